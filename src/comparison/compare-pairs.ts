// Compares single rows: reads each row here and the same row at the destination, and pairs them.
import { hashOf } from '../catalog/content.ts';
import {
  keyFrom,
  keyText,
  type Content,
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
import { storedBases, type DestinationState } from '../state/destination-state.ts';
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
  /**
   * The base, which is the content at which both sides were last equal: a row that still has this content (perhaps with
   * environment-specific fields), or the stored content. Null if there is no base or nobody has its content any more.
   */
  base: Content | Row | null;
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
  const all = new Map(keys.map(({ entity, id }) => [keyText({ entity, id }), { entity, id }]));
  // The requested rows have been read on both sides. Any other row that was found on only one side is a dependent row,
  // which may belong to another parent row on the other side. So this row is read on the other side by its id.
  const others = new Map<string, RowKey>();
  for (const side of [mine, theirs]) {
    for (const text of side.keys()) if (!all.has(text)) others.set(text, keyFrom(text));
  }
  for (const [text, key] of others) all.set(text, key);
  const unread = (side: Map<string, Row>) =>
    [...others].flatMap(([text, key]) => (side.has(text) ? [] : [key]));
  const [moreOfMine, moreOfTheirs] = await settleAll([
    read(here, unread(mine)),
    read(there, unread(theirs)),
  ]);
  for (const [text, row] of moreOfMine) mine.set(text, row);
  for (const [text, row] of moreOfTheirs) theirs.set(text, row);
  const recorded = syncState ?? new SyncState();
  const along = syncState ? parentsOfAll(rowsOf(all, [mine, theirs])) : [];
  const [mappings] = await settleAll([
    given ?? readMappings(here.sql),
    recorded.read(here.sql, basesIn, [...all.values(), ...along]),
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
  await findBases(basesIn, [here.sql, there.sql], pairs);
  return pairs;
}

function* rowsOf(keys: Map<string, RowKey>, sides: BothSides) {
  for (const [text, key] of keys) {
    const entity = entityNamed(key.entity);
    for (const side of sides) {
      const row = side.get(text);
      if (row) yield { entity, row };
    }
  }
}

/** Finds the contents of the bases that neither side has any more: they may be stored, or in the history of a row. */
async function findBases(basesIn: Queryable, histories: Queryable[], pairs: Map<string, RowPair>) {
  const wanted = new Map(
    [...pairs].flatMap(([text, { base, destinationState: stop }]) =>
      stop?.base_hash && base === null ? [[text, stop.base_hash] as const] : [],
    ),
  );
  const places = [
    () => storedBases(basesIn, wanted),
    ...histories.map((on) => () => replacedContents(on, wanted)),
  ];
  for (const search of places) {
    if (wanted.size === 0) return;
    for (const [text, content] of await search()) {
      const pair = pairs.get(text);
      if (pair) pair.base = content;
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
  const base = [
    { row: there, hash: thereHash },
    { row: here, hash: hereHash },
  ].find(({ hash }) => hash !== null && hash === stop?.base_hash);
  return {
    key,
    entity,
    here,
    there,
    hereHash,
    thereHash,
    state,
    destinationState: stop,
    base: base?.row ?? null,
    status,
  };
}
