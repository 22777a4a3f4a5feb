// Compares what a destination stored with what was sent, before anyone else can write it: triggers, lenient
// columns and validators may store something else.
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

/** The `modified_at` that the transfer wrote, by key of the row. */
export type DrawnInstants = Map<string, string>;

/** Reads these steps back and puts a remark on each that is not as it was sent, or that was ahead of the clock. */
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

/** What differs of a row as it was stored; null when nothing does. `instant`: the one that was drawn for it. */
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

/** A row that the destination stored with another content, or not at all. */
export const isStoredDifferently = ({ remark }: WrittenStep): boolean =>
  remark?.stored !== undefined;

/** The row as it stands there after the write, as far as the destination has said. */
export const rowStored = (step: WrittenStep): Row | null =>
  step.remark?.stored === undefined ? step.after : step.remark.stored;

/** Whether a row is as the write left it, be it as sent or not. */
export const isAsStored = (step: WrittenStep, now: Row | null): boolean =>
  isSameRow(entityNamed(step.entity), now, rowStored(step));

/** Makes the state of rows say what is stored. */
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
