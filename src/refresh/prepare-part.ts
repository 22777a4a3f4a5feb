// Prepares the parts of a table or collection that a refresh writes: reads production’s rows and plans each of them.
import type { Entity } from '../catalog/entity.ts';
import { ahead, batches, prefetch } from '../comparison/chunks.ts';
import { raiseIds } from '../environments/ids.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import { CHUNK_SIZE, highestIds } from '../rows/row-hashes.ts';
import { read, walk } from '../rows/store.ts';
import { keysOf } from '../state/recorded.ts';
import { planRefresh, type PartPlan } from './plan-part.ts';
import type { RefreshRun } from './refresh-run.ts';
import { recordPart } from './sync-state.ts';
import { tableParts, type TablePart } from './table-parts.ts';

/** A refresh reads and writes this many rows at once. Tests lower the number. */
export const parts = { size: 1000 };

/** Reads the rows of production in parts of `parts.size` rows. */
export async function* sourceParts({ here, source }: RefreshRun, entity: Entity, after: number) {
  for await (const rows of walk(source, entity, after, parts.size)) {
    await refuseWhileUpdating(here, source);
    yield rows;
  }
}

/**
 * A part of production’s rows, with the plan for each row. `keep` records, after the rows were written, how they relate
 * to the next environment (their sync state).
 */
type PreparedPart = {
  decided: PartPlan;
  /**
   * `rows`: how many rows of production are in this part. `after`: the last id of the part. `highest`: the highest ids
   * of the part; rows that are added to this environment later get higher ids.
   */
  rows: number;
  after: number;
  highest: number[];
  keep: (done: PartPlan) => Promise<void>;
};

/**
 * Plans the refresh of an entity by reading all its rows in production. MongoDB collections need this, because no
 * digests are computed for them. Tables need it if name mappings translate their linked names, because equal rows then
 * have different digests.
 */
export const prepareByReading = (from: RefreshRun, entity: Entity, after: number) => {
  // The sync state of the rows is recorded with the time at which the refresh of this entity started, so that it never
  // replaces a newer state that another process records meanwhile.
  const at = new Date().toISOString();
  return prefetch(sourceParts(from, entity, after), async (rows): Promise<PreparedPart> => {
    const ids = rows.map(({ id }) => id);
    return {
      decided: await planRefresh(from, entity, rows),
      rows: rows.length,
      after: ids.at(-1) ?? 0,
      highest: ids,
      keep: (done) => recordPart(from, entity, done, at),
    };
  });
};

/**
 * Plans the refresh of a table by comparing digests (one hash for many rows). Reads only the rows that differ from
 * production’s, and the rows that are not recorded yet as equal in this environment and the next one.
 */
export async function* prepareByDigest(
  from: RefreshRun,
  entity: Entity,
  after: number,
): AsyncGenerator<PreparedPart> {
  const { here, source, dryRun } = from;
  if (!dryRun)
    await raiseIds(here, entity.name, await highestIds(source.sql, entity, here.rules.ids));
  const there = dryRun || from.there === source ? null : from.there;
  const sides = there ? [here, source, there] : [here, source];
  const walk = {
    from: after + 1,
    along: 1,
    withSyncState: !dryRun && from.there !== null,
    withCertainty: false,
  };
  const parts = tableParts(here, entity, ahead(batches(entity, sides, walk)), walk);
  yield* prefetch(parts, (part) => preparePart(from, entity, part));
}

async function preparePart(
  from: RefreshRun,
  entity: Entity,
  { at, last, ids, here, rows }: TablePart,
): Promise<PreparedPart> {
  const found = await read(from.source, keysOf(entity.name, ids));
  return {
    decided: await planRefresh(from, entity, [...found.values()], (id) => here.has(id)),
    rows,
    after: (last + 1) * CHUNK_SIZE - 1,
    highest: ids,
    keep: (done) => recordPart(from, entity, done, at),
  };
}
