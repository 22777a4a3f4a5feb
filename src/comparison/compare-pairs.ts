// Compares single rows: reads each row here and the same row at the destination, and pairs them.
import { canonical, hashOf } from '../catalog/content.ts';
import {
  keyFrom,
  keyText,
  type Entity,
  type LinkedName,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { withMappedNames, readMappings, type Mappings } from '../state/name-mapping.ts';
import type { RowState } from '../state/row-state.ts';
import { SyncState } from '../state/sync-state.ts';
import type { DestinationState } from '../state/destination-state.ts';
import { settleAll } from '../settle-all.ts';
import { statusOf, type Status } from '../state/status.ts';
import { parentsOfAll } from '../catalog/family.ts';
import { replacedContents } from '../state/former-contents.ts';
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
  /**
   * Only for a row to take over: linked names in the destination’s row that would mean another city or partner here.
   * Example: Pune here is mapped to Poona there, and the row there is linked with a Pune.
   */
  otherHere?: LinkedName[];
};

/**
 * What the caller of comparePairs() has read already: rows here by key text, the name mappings, and sync state. To a
 * given `syncState`, that of the parent rows is added, too, because their comparison comes next.
 */
type Known = {
  basesIn?: Queryable;
  known?: Map<string, Row>;
  mappings?: Mappings;
  syncState?: SyncState;
};

/**
 * Reads rows and their dependent rows on both sides in a fixed number of queries, including dependents that only the
 * destination has. `basesIn`: the database of the environment whose sync state contains the bases (the contents at
 * which both sides were last equal).
 */
export async function comparePairs(
  here: Databases,
  there: Databases,
  keys: RowKey[],
  { known, ...rest }: Known = {},
): Promise<Map<string, RowPair>> {
  const [mine, theirs] = await settleAll([
    withTheirDependents(here, keys, known),
    withTheirDependents(there, keys),
  ]);
  return pairsOf({ here, there, ...rest }, keys, [mine, theirs]);
}

/** The rows here and at the destination, by key text. */
type BothSides = [mine: Map<string, Row>, theirs: Map<string, Row>];
type Sides = { here: Databases; there: Databases } & Omit<Known, 'known'>;

/**
 * Compares rows that other rows refer to. The dependent rows of a row are compared only if the destination lacks the
 * row, because then a transfer takes it along, or if the row is one of `owners`: a transfer sends some of its dependent
 * rows, and the sheet must know whether it sends all that differ.
 */
export async function compareParents(
  sides: Sides,
  keys: RowKey[],
  owners: RowKey[],
): Promise<Map<string, RowPair>> {
  const [mine, theirs] = await settleAll([read(sides.here, keys), read(sides.there, keys)]);
  const ofOwners = new Set(owners.map(keyText));
  const isWhole = (text: string) => ofOwners.has(text) || (mine.has(text) && !theirs.has(text));
  const whole = keys.filter((key) => isWhole(keyText(key)));
  return pairsOf(
    sides,
    keys,
    await settleAll([
      withTheirDependents(sides.here, whole, mine),
      withTheirDependents(sides.there, whole, theirs),
    ]),
  );
}

/** Pairs rows that were read on both sides with each other and with their sync state. */
async function pairsOf(
  { here, there, basesIn = here.sql, mappings: given, syncState }: Sides,
  keys: RowKey[],
  [mine, theirs]: BothSides,
): Promise<Map<string, RowPair>> {
  const requested = new Map(
    keys.map(({ entity, id }) => [keyText({ entity, id }), { entity, id }]),
  );
  // The requested rows have been read on both sides. Any other row that was found on only one side is a dependent row,
  // which may belong to another parent row on the other side. So this row is read on the other side by its id.
  const others = new Map<string, RowKey>();
  for (const side of [mine, theirs]) {
    for (const text of side.keys()) if (!requested.has(text)) others.set(text, keyFrom(text));
  }
  const unread = (side: Map<string, Row>) =>
    [...others].flatMap(([text, key]) => (side.has(text) ? [] : [key]));
  const [moreOfMine, moreOfTheirs] = await settleAll([
    read(here, unread(mine)),
    read(there, unread(theirs)),
  ]);
  for (const [text, row] of moreOfMine) mine.set(text, row);
  for (const [text, row] of moreOfTheirs) theirs.set(text, row);
  const recorded = syncState ?? new SyncState();
  const all = [...requested, ...others];
  const along = syncState ? parentsAmong(all, [mine, theirs]) : [];
  const [mappings] = await settleAll([
    given ?? readMappings(here.sql),
    recorded.read(here.sql, basesIn, [...requested.values(), ...others.values(), ...along]),
  ]);
  const pairs = new Map<string, RowPair>();
  for (const [text, key] of all) {
    const state = recorded.states.get(text);
    const sides = { mine: mine.get(text), theirs: theirs.get(text) };
    // If another environment stores the sync state, its record of a row that is missing at the destination is
    // ignored, so that the row here counts as new.
    const stop = basesIn === here.sql || sides.theirs ? recorded.stops.get(text) : undefined;
    pairs.set(text, pairOf(key, sides, { state, stop, mappings }));
  }
  await findBases([here.sql, there.sql], pairs);
  return pairs;
}

function parentsAmong(keys: [string, RowKey][], sides: BothSides): RowKey[] {
  const rows = keys.flatMap(([text, key]) => {
    const entity = entityNamed(key.entity);
    return sides.flatMap((side) => {
      const row = side.get(text);
      return row ? [{ entity, row }] : [];
    });
  });
  return [...parentsOfAll(rows).values()];
}

/**
 * Finds the contents of bases of which only the hash is recorded. The base of a row is the content at which both sides
 * were last equal. If a later write replaced this content on one side, the row’s history on that side contains it.
 */
async function findBases(histories: Queryable[], pairs: Map<string, RowPair>) {
  const wanted = new Map(
    [...pairs].flatMap(([text, { destinationState: stop }]) =>
      stop?.base_hash && stop.base_content === null ? [[text, stop.base_hash] as const] : [],
    ),
  );
  for (const on of histories) {
    const found = wanted.size > 0 ? await replacedContents(on, wanted) : new Map<string, Row>();
    for (const [text, row] of found) {
      const pair = pairs.get(text);
      const stop = pair?.destinationState;
      if (pair && stop)
        pair.destinationState = { ...stop, base_content: canonical(pair.entity, row) };
      wanted.delete(text);
    }
  }
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
  const destinationState = stop && withContent(entity, stop, { here, there, hereHash, thereHash });
  return { key, entity, here, there, hereHash, thereHash, state, destinationState, status };
}

/**
 * Adds the content of the base (the content at which both sides were last equal) to the sync state of a row, if the row
 * here or at the destination still has that content.
 */
function withContent(
  entity: Entity,
  stop: DestinationState,
  sides: Pick<RowPair, 'here' | 'there' | 'hereHash' | 'thereHash'>,
): DestinationState {
  if (stop.base_content !== null || stop.base_hash === null) return stop;
  const row = [
    sides.hereHash === stop.base_hash ? sides.here : null,
    sides.thereHash === stop.base_hash ? sides.there : null,
  ].find((one) => one !== null);
  return row ? { ...stop, base_content: canonical(entity, row) } : stop;
}
