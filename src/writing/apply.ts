// Writes a transfer at its destination: the MySQL rows in one transaction, and the MongoDB documents just before its
// COMMIT. The written rows are read back before anyone else can change them.
import type { PoolConnection } from 'mysql2/promise';
import { keyText, linkedNamesOf, linksOf, type Row, type RowKey } from '../catalog/entity.ts';
import { command, fromSqlInstant } from '../database/sql.ts';
import { entityNamed } from '../catalog/index.ts';
import * as mysql from '../rows/mysql-writes.ts';
import { idsOfLinked, type IdsByEntity } from '../rows/names.ts';
import { giveTemporaryValues } from '../rows/temporary-values.ts';
import { auditArrival } from './audit-lines.ts';
import * as claims from './claims.ts';
import { setClock } from '../state/clock.ts';
import {
  documentRow,
  isBeforePivot,
  isDocumentStep,
  readStored,
  writeDocuments,
} from './documents.ts';
import { formerInstants, Instants, instantsOfDocuments } from './instants.ts';
import * as journal from './journal.ts';
import { correctStates, readBack, readUnlessProven, recordAsStored } from './read-back.ts';
import type { RowState } from '../state/row-state.ts';
import { settleAll } from '../settle-all.ts';
import { inWritingOrder } from '../catalog/order.ts';
import { failpoint } from '../database/failpoints.ts';
import { lockStates, writeStatesAndArrivals } from './state-and-arrivals.ts';
import { lockClockAndRows } from './row-locks.ts';
import { enterTables } from './table-locks.ts';
import { refuseIfChanged, type Work } from './work.ts';

/** `isFirst`: whether this is the first attempt of all to write this transfer. */
export async function apply(
  work: Work,
  connection: PoolConnection,
  { isFirst }: { isFirst: boolean },
) {
  const { transfer, there } = work;
  await command(connection, 'START TRANSACTION');
  await claims.lock(connection, transfer);
  await failpoint('lock');
  const place = { sql: connection, documents: there.documents };
  const rowSteps = work.steps.filter((step) => !isDocumentStep(step));
  await enterTables(connection, rowSteps);
  const clock = await lockClockAndRows(connection, rowSteps);
  const before = (step: journal.Step) => step.before;
  // The server reads the states while the program compares the hashes of the rows.
  const [{ rows, modified }, states] = await settleAll([
    readUnlessProven(place, rowSteps, before),
    lockStates(connection, work.steps),
  ]);
  const stored = await readStored(work);
  for (const step of work.steps) {
    const now = isDocumentStep(step)
      ? documentRow(step, stored)
      : (rows.get(keyText(step)) ?? null);
    refuseIfChanged(step, now, { mayHaveWritten: !isFirst });
  }
  await failpoint('re-check');
  const instants = new Instants(
    clock,
    formerInstants([
      ...instantsOfRows(rowSteps, modified),
      ...instantsOfDocuments(stored),
      ...instantsOfTombstones(work.steps, states),
    ]),
  );
  await writeRows(
    connection,
    inWritingOrder(rowSteps),
    rows,
    (row) => instants.of(row),
    columnsWrittenBy(transfer),
  );
  await failpoint('rows');
  work.onProgress(rowSteps.length, 'Rows are written');
  const drawn = new Map(rowSteps.map((step) => [keyText(step), instants.of(step)]));
  await recordAsStored(work, rowSteps, { connection, drawn, instants }, async (asStored) => {
    await writeStatesAndArrivals(asStored, connection, { instants, was: states });
    if (work.here.name !== there.name) await auditArrival(connection, work);
  });
  await failpoint('arrivals');
  const dated = await writeDocuments(work, stored, instants);
  await readBack(place, work.steps.filter(isBeforePivot), dated, instants);
  await correctStates(connection, work.steps, instants);
  await journal.writeRemarks(work.here.sql, transfer.id, work.steps, { isFirst });
  await setClock(connection, instants.end);
  await failpoint('before commit');
  await command(connection, 'COMMIT');
  await failpoint('after commit');
}

/** Returns the stored timestamps of the rows that these steps replace. `modified`: what readUnlessProven() has found. */
export const instantsOfRows = (steps: journal.Step[], modified: Map<string, string>) =>
  steps.flatMap((step): [string, string[]][] => {
    const instant = modified.get(keyText(step));
    return instant === undefined ? [] : [[keyText(step), [instant]]];
  });

/**
 * Returns the times at which rows that this transfer creates again were deleted earlier. Apps may
 * have read these deletions, so the rows must get later timestamps.
 */
export const instantsOfTombstones = (steps: journal.Step[], states: Map<string, RowState>) =>
  steps
    .filter(({ before }) => before === null)
    .map((step): [string, string[]] => {
      const at = states.get(keyText(step))?.deleted_at;
      return [keyText(step), at ? [fromSqlInstant(at)] : []];
    });

/**
 * Returns which columns a transfer writes: all columns, or only those of changed fields if a person
 * saves a row.
 */
export const columnsWrittenBy = ({ kind }: Pick<journal.Transfer, 'kind'>): mysql.WrittenColumns =>
  kind === 'save' ? 'changed' : 'all';

/**
 * Writes the rows of a plan in bulk. `now`: the rows as they are stored now. `instantOf`: returns
 * the new `modified_at` of a row.
 */
export async function writeRows(
  connection: PoolConnection,
  steps: journal.Step[],
  now: Map<string, Row>,
  instantOf: (key: RowKey) => string,
  written: mysql.WrittenColumns,
) {
  // Steps are in writing order, so the rows of one entity are consecutive.
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
    // Rows are removed first, to free their unique values for the rows that are written next.
    if (removed.length > 0) await mysql.remove(connection, entity, removed);
    const moved = updated.flatMap((row) => {
      const before = present.get(row.id);
      return before ? [{ now: before, after: row }] : [];
    });
    await giveTemporaryValues(connection, entity, moved);
    const at = ({ id }: Row) => instantOf({ entity: entity.name, id });
    for (const [instant, some] of Map.groupBy(updated, at))
      await mysql.update(connection, entity, some, present, written, instant, linked);
    for (const [instant, some] of Map.groupBy(created, at))
      await mysql.insert(connection, entity, some, instant, linked);
  }
}

/**
 * Reads the ids of all linked names. The cities and partners that this plan creates were inserted
 * before, so they are found, too.
 */
const linkIds = (connection: PoolConnection, steps: journal.Step[]): Promise<IdsByEntity> =>
  idsOfLinked(
    connection,
    steps.flatMap(({ entity, after }) => linkedNamesOf(entityNamed(entity), after)),
  );
