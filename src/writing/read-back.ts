// Reads written rows back and compares them with what was sent, before anyone else can write them. Triggers, columns
// without strict mode and validators may change values.
import { fullHashOf, hashOf, isSameRow, isSameValue } from '../catalog/content.ts';
import { fieldEntries, isDocument, keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { BEGINNING } from '../catalog/misfits.ts';
import { command, run, sql, toSqlInstant } from '../database/sql.ts';
import type { PoolConnection } from 'mysql2/promise';
import type { Databases } from '../environments/environment.ts';
import { storedHashes } from '../rows/row-hashes.ts';
import { read } from '../rows/store.ts';
import { readMappings, withMappedNames } from '../state/name-mapping.ts';
import type { Instants } from './instants.ts';
import { INSTANT, type Remark, type Step, type WrittenStep } from './transfer.ts';
import type { Work } from './work.ts';

/** The `modified_at` that the transfer wrote, by row key. */
export type DrawnInstants = Map<string, string>;

type Written = { connection: PoolConnection; drawn: DrawnInstants; instants: Instants };

/**
 * Records the states and the history of written rows with `record`, and reads the rows back. The records must contain
 * each row as the database stored it. But recording the history may run triggers on the table `arrival`, which may
 * change rows. So the rows are first recorded as sent, which is almost always right, and then read back. If a row
 * differs, everything is recorded again with the stored rows.
 */
export async function recordAsStored(
  work: Work,
  steps: WrittenStep[],
  { connection, drawn, instants }: Written,
  record: (work: Work) => Promise<void>,
) {
  const place = { sql: connection, documents: work.there.documents };
  const recordThenRead = async (asStored: Work) => {
    await record(asStored);
    await readBack(place, steps, drawn, instants);
  };
  await command(connection, 'SAVEPOINT rows_written');
  await recordThenRead(work);
  if (!steps.some(isStoredDifferently)) return;
  await command(connection, 'ROLLBACK TO SAVEPOINT rows_written');
  await readBack(place, steps, drawn, instants);
  await recordThenRead(asStored(work));
}

/** The transfer with each row as the destination stored it. */
const asStored = (work: Work): Work => ({
  ...work,
  steps: work.steps.map((step) => ({ ...step, after: rowStored(step) ?? step.after })),
});

/**
 * Reads the rows of these steps back after the write. A step gets a remark if its row was stored
 * differently than sent, or if the row’s former timestamp lay in the future.
 */
export async function readBack(
  place: Databases,
  steps: WrittenStep[],
  drawn: DrawnInstants,
  instants: Instants,
) {
  const { rows, modified } = await readUnlessProven(place, steps, (step) => step.after);
  for (const step of steps) {
    const text = keyText(step);
    const at = { wanted: drawn.get(text), stored: modified.get(text) };
    const remark = remarkOf(step, rows.get(text) ?? null, at);
    const ahead = instants.aheadOf(step);
    step.remark = remark || ahead ? { differing: [], ...remark, ...(ahead && { ahead }) } : null;
  }
}

/**
 * Reads the rows of these steps, by key text. A row that is proved to be as the transfer left it is taken from its step.
 */
export const readWritten = async (place: Databases, steps: WrittenStep[]) =>
  (await readUnlessProven(place, steps, rowStored)).rows;

/**
 * By key text, `rows`: the rows of steps; the `modified_at` of a proved row is not that of the stored one. `modified`: the
 * stored `modified_at` of all rows that exist, also of other rows.
 */
type Found = { rows: Map<string, Row>; modified: Map<string, string> };

/**
 * Reads the rows of these steps, and which of the rows `others` exist. `expected` says how the row of a step should be:
 * a row whose hash in MySQL proves this is not read.
 */
export async function readUnlessProven<S extends Step>(
  place: Databases,
  steps: S[],
  expected: (step: S) => Row | null,
  others: RowKey[] = [],
): Promise<Found> {
  const isHashed = ({ entity }: RowKey) => !isDocument(entityNamed(entity));
  const hashes = await storedHashes(place.sql, steps.filter(isHashed), others.filter(isHashed));
  const rows = new Map<string, Row>();
  const modified = new Map<string, string>();
  const unproven: RowKey[] = others.filter((key) => !isHashed(key));
  for (const step of steps) {
    const text = keyText(step);
    const one = hashes.get(text);
    const row = expected(step);
    if (row && one?.modified_at && one.hash === fullHashOf(entityNamed(step.entity), row)) {
      rows.set(text, row);
    } else if (one || !isHashed(step)) unproven.push(step);
  }
  for (const [text, one] of hashes) modified.set(text, one.modified_at ?? BEGINNING);
  for (const [text, row] of await read(place, unproven)) {
    rows.set(text, row);
    modified.set(text, row.modified_at);
  }
  return { rows, modified };
}

const isSameInstant = (one: string, other: string) =>
  one === other || Date.parse(one) === Date.parse(other);

/**
 * Returns the remark about a row that was stored differently than sent, with the fields that
 * differ; null if none differs. `wanted` and `stored`: the `modified_at` that the row should have, and has.
 */
function remarkOf(
  { entity: name, after }: WrittenStep,
  now: Row | null,
  { wanted, stored }: { wanted: string | undefined; stored: string | undefined },
): Remark | null {
  if (now === null || after === null) {
    return now === after ? null : { differing: [], stored: now };
  }
  const fields = now === after ? [] : fieldsStoredDifferently(name, now, after);
  const isOfThen = wanted === undefined || isSameInstant(stored ?? '', wanted);
  const differing = isOfThen ? fields : [...fields, INSTANT];
  if (differing.length === 0) return null;
  return fields.length > 0 ? { differing, stored: now } : { differing };
}

const fieldsStoredDifferently = (entity: string, now: Row, after: Row) =>
  fieldEntries(entityNamed(entity))
    .map(([field]) => field)
    .filter((field) => !isSameValue(now[field] ?? null, after[field] ?? null));

/** Whether the destination stored other content than was sent, or no row at all. */
export const isStoredDifferently = ({ remark }: WrittenStep): boolean =>
  remark?.stored !== undefined;

/**
 * Returns the row as the destination stored it if that differs from what was sent, otherwise the
 * row that was sent.
 */
export const rowStored = (step: WrittenStep): Row | null =>
  step.remark?.stored === undefined ? step.after : step.remark.stored;

/** Whether a row is still as the transfer left it, even if that differs from what was sent. */
export const isAsStored = (step: WrittenStep, now: Row | null): boolean =>
  isSameRow(entityNamed(step.entity), now, rowStored(step));

/**
 * Corrects the recorded state of rows (the hashes in the table `row_state`) where the stored row
 * differs from the sent row.
 */
export async function correctStates(
  connection: PoolConnection,
  steps: WrittenStep[],
  instants: Instants,
) {
  const wrong = steps.filter(isStoredDifferently);
  const mappings = wrong.length > 0 ? await readMappings(connection) : new Map();
  for (const step of wrong) {
    const row = rowStored(step);
    const entity = entityNamed(step.entity);
    const hash = row && hashOf(entity, withMappedNames(entity, row, mappings));
    const deletedAt = row === null ? toSqlInstant(instants.of(step)) : null;
    await run(
      connection,
      sql`update row_state set hash = coalesce(${hash}, hash), deleted_at = ${deletedAt}
           where entity = ${step.entity} and row_id = ${step.id}`,
    );
  }
}
