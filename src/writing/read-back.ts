// Reads written rows back and compares them with what was sent, before anyone else can write them. Triggers, columns
// without strict mode and validators may change values.
import { hashOf, isSameRow, isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  hasLocalFields,
  isDocument,
  keyText,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { command, fromSqlInstant, run, sql, toSqlInstant } from '../database/sql.ts';
import type { PoolConnection } from 'mysql2/promise';
import type { Databases } from '../environments/environment.ts';
import { hashesOfRows } from '../rows/row-hashes.ts';
import { read } from '../rows/store.ts';
import { readMappings, withMappedNames } from '../state/name-mapping.ts';
import type { Instants } from './instants.ts';
import { INSTANT, type Remark, type WrittenStep } from './transfer.ts';
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
  const proven = await provenByHash(place, steps, (step) => step.after);
  for (const [text, at] of proven) {
    const instant = drawn.get(text);
    if (instant && !isSameInstant(fromSqlInstant(at), instant)) proven.delete(text);
  }
  const now = await read(
    place,
    steps.filter((step) => !proven.has(keyText(step))),
  );
  for (const step of steps) {
    const text = keyText(step);
    const remark = proven.has(text) ? null : remarkOf(step, now.get(text) ?? null, drawn.get(text));
    const ahead = instants.aheadOf(step);
    step.remark = remark || ahead ? { differing: [], ...remark, ...(ahead && { ahead }) } : null;
  }
}

/**
 * Reads the rows of these steps, by key text. A row that is proved to be as the transfer left it is taken from its step.
 */
export const readWritten = (place: Databases, steps: WrittenStep[]): Promise<Map<string, Row>> =>
  readUnlessProven(place, steps, rowStored);

/**
 * Reads the rows of these steps and `others`, by key text. `expected` says how the row of a step should be: a row of
 * which this is proved is not read.
 */
export async function readUnlessProven(
  place: Databases,
  steps: WrittenStep[],
  expected: (step: WrittenStep) => Row | null,
  others: RowKey[] = [],
): Promise<Map<string, Row>> {
  const proven = await provenByHash(place, steps, expected);
  const isProven = (step: WrittenStep) => proven.has(keyText(step));
  const rows = await read(place, [...steps.filter((step) => !isProven(step)), ...others]);
  for (const step of steps.filter(isProven)) rows.set(keyText(step), expected(step) as Row);
  return rows;
}

/** For this many rows or fewer, comparing hashes would take more SQL statements than reading the rows. */
const FEW = 50;

/**
 * Returns the timestamps, by key text, of the MySQL rows whose hash proves that they are as expected. All other rows must
 * be read.
 */
async function provenByHash(
  place: Databases,
  steps: WrittenStep[],
  expected: (step: WrittenStep) => Row | null,
): Promise<Map<string, string>> {
  const proven = new Map<string, string>();
  if (steps.length <= FEW) return proven;
  for (const [name, own] of Map.groupBy(steps, ({ entity }) => entity)) {
    const entity = entityNamed(name);
    // The hash of a row does not cover local fields, whose values differ between environments.
    if (isDocument(entity) || hasLocalFields(entity)) continue;
    const wanted = own.flatMap((step) => {
      const row = expected(step);
      return row ? [{ id: step.id, row }] : [];
    });
    const ids = wanted.map(({ id }) => id);
    const stored = await hashesOfRows(place.sql, entity, ids);
    for (const { id, row } of wanted) {
      const one = stored.get(id);
      if (one?.hash === hashOf(entity, row)) {
        proven.set(keyText({ entity: name, id }), one.modified_at);
      }
    }
  }
  return proven;
}

const isSameInstant = (one: string, other: string) =>
  one === other || Date.parse(one) === Date.parse(other);

/**
 * Returns the remark about a row that was stored differently than sent, with the fields that
 * differ; null if none differs. `instant`: the `modified_at` that the row should have.
 */
function remarkOf(
  { entity: name, after }: WrittenStep,
  now: Row | null,
  instant: string | undefined,
): Remark | null {
  if (now === null || after === null) {
    return now === after ? null : { differing: [], stored: now };
  }
  const fields = fieldEntries(entityNamed(name))
    .map(([field]) => field)
    .filter((field) => !isSameValue(now[field] ?? null, after[field] ?? null));
  const isOfThen = instant === undefined || isSameInstant(now.modified_at, instant);
  const differing = isOfThen ? fields : [...fields, INSTANT];
  if (differing.length === 0) return null;
  return fields.length > 0 ? { differing, stored: now } : { differing };
}

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
