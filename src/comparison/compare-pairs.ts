// Compares single rows: reads each row here and the same row at the destination, and computes the status of the pair.
import { hashOf } from '../catalog/content.ts';
import { keysFrom, keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { withMappedNames, readMappings, type Mappings } from '../state/name-mapping.ts';
import { writeObservations } from '../state/checked-chunks.ts';
import { readStates, type RowState } from '../state/row-state.ts';
import {
  newObservation,
  readDestinationStates,
  type DestinationState,
} from '../state/destination-state.ts';
import { settleAll } from '../settle-all.ts';
import { statusOf, withDependents, type Status } from '../state/status.ts';
import { rootOf } from '../catalog/family.ts';
import { withTheirDependents } from '../rows/dependents.ts';

/**
 * A row here and the same row at the destination. In `here`, linked names are replaced by the names
 * that the destination uses.
 */
export type RowPair = {
  key: RowKey;
  entity: Entity;
  here: Row | null;
  there: Row | null;
  hereHash: string | null;
  thereHash: string | null;
  state: RowState | undefined;
  destinationState: DestinationState | undefined;
  status: Status | null;
};

/**
 * Reads rows and their dependent rows on both sides in a fixed number of queries, including dependents that only the
 * destination has. `basesIn`: the environment whose sync state holds the bases (the contents at which both sides were
 * last equal).
 */
export async function comparePairs(
  here: Databases,
  there: Databases,
  keys: RowKey[],
  { basesIn = here.sql, known }: { basesIn?: Queryable; known?: Map<string, Row> } = {},
): Promise<Map<string, RowPair>> {
  const [mine, theirs] = await settleAll([
    withTheirDependents(here, keys, known),
    withTheirDependents(there, keys),
  ]);
  const all = keysFrom([...keys.map(keyText), ...mine.keys(), ...theirs.keys()]);
  const requested = new Set(keys.map(keyText));
  // The requested rows were read on both sides. Any other row that was found on one side only is a
  // dependent row. The other side may have it under another parent row, so it is read there by id.
  const unread = (side: Map<string, Row>) =>
    all.filter((key) => !side.has(keyText(key)) && !requested.has(keyText(key)));
  const [moreOfMine, moreOfTheirs] = await settleAll([
    read(here, unread(mine)),
    read(there, unread(theirs)),
  ]);
  for (const [text, row] of moreOfMine) mine.set(text, row);
  for (const [text, row] of moreOfTheirs) theirs.set(text, row);
  const [states, stops, mappings] = await settleAll([
    readStates(here.sql, all),
    readDestinationStates(basesIn, all),
    readMappings(here.sql),
  ]);
  return new Map(
    all.map((key) => {
      const text = keyText(key);
      const state = states.get(text);
      const sides = { mine: mine.get(text), theirs: theirs.get(text) };
      // If another environment stores the sync state, its entry for a row that is missing at the
      // destination is ignored.
      const stop = basesIn === here.sql || sides.theirs ? stops.get(text) : undefined;
      return [text, pairOf(key, sides, { state, stop, mappings })];
    }),
  );
}

/** Pairs a row here with the same row at the destination, and computes the status of the pair. */
export function pairOf(
  key: RowKey,
  { mine, theirs }: { mine: Row | undefined; theirs: Row | undefined },
  known: { state: RowState | undefined; stop: DestinationState | undefined; mappings: Mappings },
): RowPair {
  const entity = entityNamed(key.entity);
  const { state, stop } = known;
  const here = mine ? withMappedNames(entity, mine, known.mappings) : null;
  const there = theirs ?? null;
  const hereHash = here && hashOf(entity, here);
  const thereHash = there && hashOf(entity, there);
  const status = statusOf({
    here: hereHash,
    there: thereHash,
    base: stop?.base_hash ?? null,
    isDeletedHere: Boolean(state?.deleted_at),
  });
  return { key, entity, here, there, hereHash, thereHash, state, destinationState: stop, status };
}

/**
 * Records the content of each row at the destination, as observed at the time `at`. If a row is
 * equal on both sides, its content becomes the base.
 */
export async function recordObservations(on: Queryable, pairs: Iterable<RowPair>, at: string) {
  const news = [...pairs].flatMap(
    ({ key, entity, there, hereHash, thereHash: seen, destinationState: stop }) => {
      if (entity.isMatchedByName) return [];
      const isEqual = there !== null && hereHash === seen;
      return newObservation(entity, key, { there, seen, isEqual }, stop) ?? [];
    },
  );
  await writeObservations(on, news, at);
}

/** Computes the status of a row together with its dependent rows. */
export function statusWithDependents(pairs: Map<string, RowPair>, root: RowKey): Status | null {
  const own = pairs.get(keyText(root));
  if (!own?.status) return null;
  const dependents = dependentPairs(pairs, root).flatMap(({ status }) => status ?? []);
  return withDependents(own.status, dependents);
}

export function dependentPairs(pairs: Map<string, RowPair>, root: RowKey): RowPair[] {
  const { dependents } = entityNamed(root.entity);
  return dependents.length === 0 ? [] : (byOwner(pairs).get(keyText(root)) ?? []);
}

const owned = new WeakMap<
  Map<string, RowPair>,
  { size: number; byOwner: Map<string, RowPair[]> }
>();

/**
 * Groups dependent rows by the key text of their parent row. The result is cached until pairs are
 * added.
 */
function byOwner(pairs: Map<string, RowPair>): Map<string, RowPair[]> {
  const known = owned.get(pairs);
  if (known?.size === pairs.size) return known.byOwner;
  const found = Map.groupBy(pairs.values(), ({ entity, here, there }) => {
    const row = here ?? there;
    return entity.owner && row ? keyText(rootOf(entity, row)) : '';
  });
  owned.set(pairs, { size: pairs.size, byOwner: found });
  return found;
}
