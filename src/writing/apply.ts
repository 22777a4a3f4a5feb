// The write at the destination: one transaction for the rows, with the documents written just before its
// COMMIT.
import type { PoolConnection } from 'mysql2/promise';
import { keyText, linkedNamesOf, linksOf, type Row } from '../catalog/entity.ts';
import { command } from '../database/sql.ts';
import { entityNamed } from '../catalog/index.ts';
import * as mysql from '../rows/mysql-writes.ts';
import { idsOfLinked, type IdsByEntity } from '../rows/names.ts';
import { read } from '../rows/store.ts';
import { giveTemporaryValues } from '../rows/temporary-values.ts';
import * as claims from './claims.ts';
import { laterThan, lockClock, setClock } from './clock.ts';
import { documentRow, isDocumentStep, readStored, writeDocuments } from './documents.ts';
import type * as journal from './journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import { failpoint } from './failpoints.ts';
import { writeStatesAndArrivals } from './state-and-arrivals.ts';
import { enterTables } from './table-locks.ts';
import { isExplained, ChangedMeanwhile, type Work } from './work.ts';

export async function apply(work: Work, connection: PoolConnection) {
  const { transfer, there } = work;
  await command(connection, 'START TRANSACTION');
  await claims.lock(connection, transfer);
  await failpoint('lock');
  const place = { sql: connection, documents: there.documents };
  const rowSteps = work.steps.filter((step) => !isDocumentStep(step));
  await enterTables(connection, rowSteps);
  const last = await lockClock(connection);
  const rows = await read(place, rowSteps, { lock: true });
  const stored = await readStored(work);
  for (const step of work.steps) {
    const now = isDocumentStep(step)
      ? documentRow(step, stored)
      : (rows.get(keyText(step)) ?? null);
    if (!isExplained(step, now))
      throw new ChangedMeanwhile(`${step.title} was changed there meanwhile.`);
  }
  await failpoint('re-check');
  const instant = laterThan(
    last,
    [...rows.values()].map((row) => row.modified_at),
    stored,
  );
  await writeRows(connection, inWritingOrder(rowSteps), rows, instant);
  await failpoint('rows');
  work.onProgress(rowSteps.length, 'Rows are written');
  await writeStatesAndArrivals(work, connection, instant);
  await failpoint('arrivals');
  const end = await writeDocuments(work, stored, instant);
  await setClock(connection, end);
  await failpoint('before commit');
  await command(connection, 'COMMIT');
  await failpoint('after commit');
}

/** Writes the rows of a plan in sets; `now`: the rows as they are. */
export async function writeRows(
  connection: PoolConnection,
  steps: journal.Step[],
  now: Map<string, Row>,
  instant: string,
) {
  // Steps are in writing order, grouped by entity.
  const entities = [...new Set(steps.map((step) => step.entity))].map(entityNamed);
  let ids: IdsByEntity | undefined;
  for (const entity of entities) {
    const own = steps.filter((step) => step.entity === entity.name);
    const after = own.flatMap((step) => (step.after ? [step.after] : []));
    if (linksOf(entity).length > 0) ids ??= await linkIds(connection, steps);
    const linked = ids ?? new Map();
    const present = new Map(
      own.flatMap((step) => {
        const row = now.get(keyText(step));
        return row ? [[row.id, row] as const] : [];
      }),
    );
    const isThere = (row: Row) => present.has(row.id);
    const created = after.filter((row) => !isThere(row));
    const updated = after.filter(isThere);
    const removed = own.filter((step) => step.after === null).map((step) => step.id);
    // Removals first, to free unique values for the rows that follow.
    if (removed.length > 0) await mysql.remove(connection, entity, removed);
    const moved = updated.flatMap((row) => {
      const before = present.get(row.id);
      return before ? [{ now: before, after: row }] : [];
    });
    await giveTemporaryValues(connection, entity, moved);
    if (updated.length > 0)
      await mysql.update(connection, entity, updated, present, instant, linked);
    if (created.length > 0) await mysql.insert(connection, entity, created, instant, linked);
  }
}

/** Ids of every linked name, read after this plan's own names were created. */
const linkIds = (connection: PoolConnection, steps: journal.Step[]): Promise<IdsByEntity> =>
  idsOfLinked(
    connection,
    steps.flatMap(({ entity, after }) => linkedNamesOf(entityNamed(entity), after)),
  );
