// Compares all rows here with the destination, and corrects the sync state (what is known of each row here and at its
// destination). From a MySQL table, only rows whose hashes do not match the sync state are read, and not even these if
// their hashes prove that both sides are equal. From MongoDB, all documents are read, because MongoDB computes no hashes.
import { canonical, hashOf, isSameContent } from '../catalog/content.ts';
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { toSqlInstant, transaction } from '../database/sql.ts';
import { LAST_CHUNK, type RowHashes } from '../rows/row-hashes.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { settleAll } from '../settle-all.ts';
import { readBaseDigests, writeBases, type BaseChunk } from '../state/base-chunks.ts';
import { newObservation, writeObservations, type Observation } from '../state/observations.ts';
import { withMappedNames, readMappings, type Mappings } from '../state/name-mapping.ts';
import {
  isSettled,
  keysOf,
  lastKnown,
  recordedIds,
  recordedIn,
  type Recorded,
} from '../state/recorded.ts';
import { readStates, stateAfter, writeStates } from '../state/row-state.ts';
import { addLines, originsOf, OUTSIDE } from '../state/untouched.ts';
import { onRows } from '../writing/claims.ts';
import { ahead, batches, isComparedByDigest, prefetch, recordedOf } from './chunks.ts';
import { bothInParts, chunksOf } from './row-parts.ts';

export type ComparisonSides = {
  here: Environment;
  there: Environment;
  mappings: Mappings;
  isFull: boolean;
};

/**
 * Compares the rows of a table or collection in parts. After each part, yields the number of rows that the part had.
 */
export const compareEntity = (sides: ComparisonSides, entity: Entity): AsyncGenerator<number> =>
  !sides.isFull && isComparedByDigest(entity, sides.mappings)
    ? compareHashes(sides, entity)
    : compareRows(sides, entity);

/** Compares a table by the hashes that both servers compute. */
async function* compareHashes(sides: ComparisonSides, entity: Entity): AsyncGenerator<number> {
  const { here, there } = sides;
  const how = { from: 0, along: 'all', withSyncState: true, withCertainty: true } as const;
  const looks = prefetch(ahead(batches(entity, [here, there], how)), async (batch) => {
    const recorded = await recordedOf(here.sql, entity, batch);
    const [own = new Map(), other = new Map()] = batch.hashes;
    const both = unsettledIn({ own, other }, recorded);
    const isProven = (id: number) =>
      own.get(id) === other.get(id) && batch.isCertain(id) && !lastKnown(recorded, id).hasLine;
    const [proven, unsettled] = [new Map<number, string>(), [] as number[]];
    for (const id of both) {
      const hash = own.get(id);
      if (hash !== undefined && isProven(id)) proven.set(id, hash);
      else unsettled.push(id);
    }
    return { batch, recorded, proven, unsettled, rows: await readBoth(sides, entity, unsettled) };
  });
  for await (const { batch, recorded, proven, unsettled, rows } of looks) {
    const { at, bases: asRead } = batch;
    // The rows were read after the sync state, so the comparison may replace every record of the sync state that it
    // read.
    await record(sides, entity, {
      at,
      recorded,
      asRead,
      proven,
      unsettled,
      ...rows,
      isNewerThanLines: true,
    });
    yield batch.counts.flatMap((one) => [...one.values()]).reduce((sum, one) => sum + one, 0);
  }
}

async function readBoth({ here, there }: ComparisonSides, entity: Entity, ids: number[]) {
  const keys = keysOf(entity.name, ids);
  const [own, other] = await settleAll([read(here, keys), read(there, keys)]);
  const byId = (rows: Map<string, Row>) =>
    new Map([...rows.values()].map((row) => [row.id, row] as const));
  return { own: byId(own), other: byId(other) };
}

/** Compares rows by reading all of them on both sides. */
async function* compareRows(sides: ComparisonSides, entity: Entity): AsyncGenerator<number> {
  const { here, there, mappings } = sides;
  // Each write of a base chunk (for 1,000 ids, the hashes at which rows were last equal on both sides) raises its
  // generation. The generations are read before any row, so that writeBases() can skip a base chunk that another
  // process writes during the comparison.
  const asRead = await readBaseDigests(here.sql, entity.name, 0, LAST_CHUNK);
  const parts = prefetch(bothInParts(here, there, entity), async (part) => {
    const numbers = await chunksOf(part, here, entity);
    return { ...part, recorded: await recordedIn(here.sql, entity.name, numbers) };
  });
  for await (const { at, recorded, own, other } of parts) {
    const hashes = (rows: Map<number, Row>, mapped: Mappings): RowHashes =>
      new Map(
        [...rows].map(([id, row]) => [id, hashOf(entity, withMappedNames(entity, row, mapped))]),
      );
    const both = { own: hashes(own, mappings), other: hashes(other, new Map()) };
    const unsettled = unsettledIn(both, recorded);
    await record(sides, entity, {
      at,
      recorded,
      asRead,
      proven: new Map(),
      unsettled,
      own,
      other,
      isNewerThanLines: false,
    });
    yield own.size + other.size;
  }
}

/** Returns the ids of the rows whose present hashes do not match the sync state. */
function unsettledIn(
  { own, other }: Record<'own' | 'other', RowHashes>,
  recorded: Recorded,
): number[] {
  const unsettled: number[] = [];
  const check = (id: number) => {
    const hashes = { here: own.get(id) ?? null, there: other.get(id) ?? null };
    if (!isSettled(recorded, id, hashes)) unsettled.push(id);
  };
  for (const id of own.keys()) check(id);
  for (const id of other.keys()) if (!own.has(id)) check(id);
  for (const id of recordedIds(recorded)) if (!own.has(id) && !other.has(id)) check(id);
  return unsettled;
}

type Seen = {
  at: string;
  recorded: Recorded;
  /**
   * The base chunks (each for 1,000 ids, the hashes at which rows were last equal on both sides) as they were before
   * the rows were read. A base chunk that another process has written since then is not overwritten.
   */
  asRead: Map<number, BaseChunk>;
  /**
   * The hashes of rows that are certain to be equal on both sides, by id. Of such a row only a base is recorded, and this
   * hash is not the recorded one.
   */
  proven: RowHashes;
  /**
   * The ids of the other rows whose hashes differ from those that the last comparison, transfer or refresh recorded.
   */
  unsettled: number[];
  /**
   * The rows here (`own`) and at the destination (`other`), by id. Each map contains at least the rows of `unsettled`
   * that exist on its side.
   */
  own: Map<number, Row>;
  other: Map<number, Row>;
  /**
   * Whether the rows were read after the sync state. If not, a record of the sync state that is newer than `at` is
   * kept.
   */
  isNewerThanLines: boolean;
};

/** Records in the sync state what a comparison has found about the rows of some chunks. */
async function record({ here, mappings }: ComparisonSides, entity: Entity, seen: Seen) {
  const { at, recorded, own, other } = seen;
  const bases = new Map(seen.proven);
  const news: Observation[] = [];
  // Another program wrote the same content on both sides of these rows. The version of the row in the sync state is
  // raised, so that a save from a form that was opened before does not overwrite this content unnoticed.
  const wrong = [...bases.keys()].filter((id) => recorded.bases.has(id));
  const untouched: RowKey[] = [];
  const since = new Map<string, string>();
  for (const id of seen.unsettled) {
    const key = { entity: entity.name, id };
    const [row, their] = [own.get(id), other.get(id)];
    const known = lastKnown(recorded, id);
    const mine = row && withMappedNames(entity, row, mappings);
    const hereHash = mine ? hashOf(entity, mine) : null;
    const isEqual = Boolean(mine && their && isSameContent(entity, mine, their));
    const thereHash = isEqual ? hereHash : their ? hashOf(entity, their) : null;
    if (!known.hasLine && !row && !their) {
      // The row is missing on both sides, but its base (the content at which both sides were last equal) is kept: the
      // environment before this one (such as staging before pre-production) may still have the row and compare it with
      // this environment.
      news.push({ key, hash: null, base: null });
      continue;
    }
    if (!known.hasLine && isEqual && hereHash !== null) {
      if (known.base !== hereHash) bases.set(id, hereHash);
      if (known.base !== null && known.base !== hereHash) wrong.push(id);
      continue;
    }
    const isEditedHere = hereHash !== known.here;
    if (isEditedHere) wrong.push(id);
    if (row && !recorded.here.has(id)) untouched.push(key);
    const stop = { observed_hash: known.there, base_hash: known.base };
    const one =
      isEditedHere && their && !isEqual && thereHash !== null && thereHash === known.base
        ? // Only the destination still has the content of the base.
          { key, hash: thereHash, base: { hash: thereHash, content: canonical(entity, their) } }
        : newObservation(key, { there: their ?? null, seen: thereHash, isEqual }, stop);
    if (!one) continue;
    news.push(one);
    const line = recorded.there.get(id);
    const isOlder = line && (seen.isNewerThanLines || line.observed_at < toSqlInstant(at));
    if (isOlder) since.set(keyText(key), line.observed_at);
  }
  // The states of rows here are corrected before the observations of the destination are written. In the opposite
  // order, a reader of the sync state could combine a new observation with an outdated state.
  await correctStates(here, entity, wrong, other);
  await addLines(here, untouched);
  await writeObservations(here.sql, news, at, { since });
  await writeBases(here.sql, entity.name, bases, at, seen.asRead);
}

/**
 * Corrects the recorded states of rows here that another program wrote or removed. `there`: the rows at the
 * destination, which give a removed row its title.
 */
async function correctStates(
  here: Environment,
  entity: Entity,
  ids: number[],
  there: Map<number, Row>,
) {
  if (ids.length === 0) return;
  const keys = keysOf(entity.name, ids);
  await transaction(here.sql, async (connection) => {
    const was = await readStates(connection, keys, { lock: true });
    // Claimed rows are being written by a transfer, so their states are not corrected: a transfer
    // records the deletion of a document before it removes the document.
    const busy = new Set((await onRows(connection, keys)).map(({ row_id: id }) => id));
    const rows = await read(here, keys);
    const origins = await originsOf(
      connection,
      keys.filter((key) => !was.has(keyText(key))),
    );
    const mappings = await readMappings(connection);
    const now = new Date().toISOString();
    const wrong = keys.flatMap((key) => {
      const text = keyText(key);
      const [row, state] = [rows.get(text), was.get(text) ?? origins.get(text)];
      if (busy.has(key.id)) return [];
      const known = was.get(text);
      if (!row) {
        if (known) return known.deleted_at ? [] : [{ ...known, deleted_at: toSqlInstant(now) }];
        const theirs = there.get(key.id);
        if (!theirs || !state) return [];
        const last = stateAfter(entity, theirs, state, { person: OUTSIDE, instant: now, mappings });
        return [{ ...last, deleted_at: toSqlInstant(now) }];
      }
      const hash = hashOf(entity, withMappedNames(entity, row, mappings));
      if (known?.hash === hash && !known.deleted_at) return [];
      const instant = row.modified_at === '' ? now : row.modified_at;
      return [stateAfter(entity, row, state, { person: OUTSIDE, instant, mappings })];
    });
    await writeStates(connection, wrong);
  });
}
