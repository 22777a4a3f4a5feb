// Reads written rows back and compares them with what was sent, before anyone else can write them. Triggers, columns
// without strict mode and validators may change values.
import { hashOf, isSameRow, isSameValue } from '../catalog/content.ts';
import { fieldEntries, keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { run, sql, toSqlInstant } from '../database/sql.ts';
import type { PoolConnection } from 'mysql2/promise';
import type { Databases } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { readMappings, withMappedNames } from '../state/name-mapping.ts';
import type { Instants } from './instants.ts';
import { INSTANT, type Remark, type WrittenStep } from './transfer.ts';

/** The `modified_at` that the transfer wrote, by row key. */
export type DrawnInstants = Map<string, string>;

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
  const now = await read(place, steps);
  for (const step of steps) {
    const remark = remarkOf(step, now.get(keyText(step)) ?? null, drawn.get(keyText(step)));
    const ahead = instants.aheadOf(step);
    step.remark = remark || ahead ? { differing: [], ...remark, ...(ahead && { ahead }) } : null;
  }
}

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
  const isOfThen = instant === undefined || Date.parse(now.modified_at) === Date.parse(instant);
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
