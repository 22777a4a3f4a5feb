// Rows here beside the same rows there: live for what a person looks at, recalled for everything else.
import { hashOf } from '../catalog/content.ts';
import { keyFrom, keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { dependentsOf, entityNamed, rootOf } from '../catalog/index.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { Place } from '../environments/place.ts';
import { byEntity, read, readBy } from '../environments/row-store.ts';
import { inTheirWords, readMappings, type Mappings } from '../journal/mappings.ts';
import { writeSeen } from '../journal/checked.ts';
import { readStates, type RowState } from '../journal/row-states.ts';
import { DELETED, newsAbout, readStops, type StopState } from '../journal/stop-states.ts';
import { together } from '../together.ts';
import { isReady, statusOf, withDependents, type Status } from './status.ts';

/** One row on both sides. `here` is in the destination's words (mapped names). */
export type Sight = {
  key: RowKey;
  entity: Entity;
  here: Row | null;
  there: Row | null;
  hereHash: string | null;
  thereHash: string | null;
  state: RowState | undefined;
  stop: StopState | undefined;
  status: Status | null;
};

/**
 * Looks at rows and their dependents on both sides, in a fixed number of queries. Dependents that stand only
 * there are seen too. `basesIn` has the bases: this environment, which keeps the books of both sides.
 */
export async function see(
  here: Place,
  there: Place,
  keys: RowKey[],
  { basesIn = here.sql, known }: { basesIn?: Queryable; known?: Map<string, Row> } = {},
): Promise<Map<string, Sight>> {
  const [mine, theirs] = await together([
    withTheirDependents(here, keys, known),
    withTheirDependents(there, keys),
  ]);
  const all = keysOf([...keys.map(keyText), ...mine.keys(), ...theirs.keys()]);
  // A row that moved to another owner is a dependent of neither side's row any more, but it is there.
  const missing = all.filter((key) => !theirs.has(keyText(key)));
  for (const [text, row] of await read(there, missing)) theirs.set(text, row);
  const moved = all.filter((key) => !mine.has(keyText(key)));
  for (const [text, row] of await read(here, moved)) mine.set(text, row);
  const [states, stops, mappings] = await together([
    readStates(here.sql, all),
    readStops(basesIn, all),
    readMappings(here.sql),
  ]);
  return new Map(
    all.map((key) => {
      const text = keyText(key);
      const state = states.get(text);
      const sides = { mine: mine.get(text), theirs: theirs.get(text) };
      // Of a row that does not stand there, the books of the other side say nothing.
      const stop = basesIn === here.sql || sides.theirs ? stops.get(text) : undefined;
      return [text, sightOf(key, sides, { state, stop, mappings })];
    }),
  );
}

function sightOf(
  key: RowKey,
  { mine, theirs }: { mine: Row | undefined; theirs: Row | undefined },
  known: { state: RowState | undefined; stop: StopState | undefined; mappings: Mappings },
): Sight {
  const entity = entityNamed(key.entity);
  const { state, stop } = known;
  const here = mine ? inTheirWords(entity, mine, known.mappings) : null;
  const there = theirs ?? null;
  const hereHash = here && hashOf(entity, here);
  const thereHash = there && hashOf(entity, there);
  const status = statusOf({
    here: hereHash,
    there: thereHash,
    base: stop?.base_hash ?? null,
    isDeletedHere: Boolean(state?.deleted_at),
  });
  return { key, entity, here, there, hereHash, thereHash, state, stop, status };
}

/** Rows and what stands under them, by key text; `known` when the rows themselves were read just now. */
export async function withTheirDependents(
  place: Place,
  keys: RowKey[],
  known?: Map<string, Row>,
): Promise<Map<string, Row>> {
  const rows = new Map(known ?? (await read(place, keys)));
  for (const [entity, ids] of byEntity(keys)) {
    for (const dependent of dependentsOf(entity)) {
      if (dependent.owner) {
        for (const row of await readBy(place, dependent, dependent.owner, ids)) {
          rows.set(keyText({ entity: dependent.name, id: row.id }), row);
        }
      }
    }
  }
  return rows;
}

const keysOf = (texts: string[]): RowKey[] => [...new Set(texts)].map(keyFrom);

/** Writes back what was seen at `at`, where it is news; a row found equal without a base gets one. */
export async function remember(on: Queryable, sights: Iterable<Sight>, at: string) {
  const news = [...sights].flatMap(({ key, entity, there, hereHash, thereHash: seen, stop }) => {
    if (entity.isMatchedByName) return [];
    const isEqual = there !== null && hereHash === seen;
    return newsAbout(entity, key, { there, seen, isEqual }, stop) ?? [];
  });
  await writeSeen(on, news, at);
}

/** The status of a row together with its dependents. */
export function statusWithDependents(sights: Map<string, Sight>, root: RowKey): Status | null {
  const own = sights.get(keyText(root));
  if (!own?.status) return null;
  const dependents = dependentSights(sights, root).flatMap(({ status }) => status ?? []);
  return withDependents(own.status, dependents);
}

export function dependentSights(sights: Map<string, Sight>, root: RowKey): Sight[] {
  const { dependents } = entityNamed(root.entity);
  return dependents.length === 0 ? [] : (byOwner(sights).get(keyText(root)) ?? []);
}

const owned = new WeakMap<Map<string, Sight>, { size: number; byOwner: Map<string, Sight[]> }>();

/** Dependents by the key text of their owner: sorted out once, and again when sights were added. */
function byOwner(sights: Map<string, Sight>): Map<string, Sight[]> {
  const known = owned.get(sights);
  if (known?.size === sights.size) return known.byOwner;
  const found = Map.groupBy(sights.values(), ({ entity, here, there }) => {
    const row = here ?? there;
    return entity.owner && row ? keyText(rootOf(entity, row)) : '';
  });
  owned.set(sights, { size: sights.size, byOwner: found });
  return found;
}

type Recalled = {
  entity: string;
  row_id: number;
  root_id: number;
  hash: string;
  deleted_at: string | null;
  engineering_by: string | null;
  base_hash: string | null;
  seen_hash: string | null;
  undone_hash: string | null;
  is_held: number;
};

/** `isUndone`: this very content was taken back there, and asks before it goes again. `isHeld`: *Not for production*. */
export type Waiting = {
  status: Status;
  isEngineering: boolean;
  isUndone: boolean;
  isHeld: boolean;
};

/**
 * Every row of an entity that is not in sync with what was last seen there, by id; dependents count for their owner.
 */
export async function waiting(on: Queryable, entity: Entity): Promise<Map<number, Waiting>> {
  const kinds = [entity.name, ...entity.dependents];
  const lines = await select<Recalled>(
    on,
    // In this order: joined before the comparison, the roots were looked up for every row that is in sync.
    sql`select straight_join
               s.entity, s.row_id, if(s.entity = ${entity.name}, s.row_id, s.root_id) as root_id,
               s.hash, s.deleted_at, s.engineering_by, t.base_hash, t.seen_hash, t.undone_hash,
               s.held_at is not null or r.held_at is not null as is_held
          from row_state s
          left join stop_state t on t.entity = s.entity and t.row_id = s.row_id
          join row_state r on r.entity = s.root_entity and r.row_id = s.root_id
         where s.entity in (${kinds})
           and not (if(s.deleted_at is null, s.hash, null) <=> t.seen_hash)`,
  );
  const own = new Map<number, Status>();
  const dependents = new Map<number, Status[]>();
  const engineering = new Set<number>();
  const undone = new Set<number>();
  const held = new Set<number>();
  for (const line of lines) {
    const status = recalledStatus(line);
    const id = line.entity === entity.name ? line.row_id : line.root_id;
    if (line.engineering_by) engineering.add(id);
    if (line.is_held) held.add(id);
    if (line.undone_hash === (line.deleted_at ? DELETED : line.hash)) undone.add(id);
    if (status === 'Only there') continue;
    if (status && line.entity === entity.name) own.set(id, status);
    else if (status) dependents.set(id, [...(dependents.get(id) ?? []), status]);
  }
  for (const [id, of] of dependents) own.set(id, withDependents(own.get(id) ?? 'In sync', of));
  return new Map(
    [...own].map(([id, status]) => [
      id,
      {
        status,
        isEngineering: engineering.has(id),
        isUndone: undone.has(id),
        isHeld: held.has(id),
      },
    ]),
  );
}

/** Waits only for a click: new or changed here, no work of engineering's, nothing that was undone or is on hold. */
export const isWaitingOnly = ({ status, isEngineering, isUndone, isHeld }: Waiting) =>
  isReady(status) && !isEngineering && !isUndone && !isHeld;

/** Ids of the rows here that have this status; `waits` are all that are not in sync. */
export async function idsWithStatus(
  on: Queryable,
  entity: Entity,
  status: Status,
  waits: Map<number, Waiting>,
): Promise<number[]> {
  if (status !== 'In sync') {
    return [...waits].flatMap(([id, one]) => (one.status === status ? [id] : []));
  }
  const standing = await select<{ row_id: number }>(
    on,
    sql`select row_id from row_state where entity = ${entity.name} and deleted_at is null`,
  );
  return standing.map((line) => line.row_id).filter((id) => !waits.has(id));
}

/** The status of a row as its books have it. */
export const recalledStatus = (
  line: Pick<Recalled, 'hash' | 'deleted_at' | 'base_hash' | 'seen_hash'>,
): Status | null =>
  statusOf({
    here: line.deleted_at === null ? line.hash : null,
    base: line.base_hash,
    there: line.seen_hash,
    isDeletedHere: line.deleted_at !== null,
  });

/**
 * The status of rows as last seen, from the tables of one environment: of this one towards its destination,
 * or, read at the destination, of our rows towards the stop after it (`hashes` are then ours).
 */
export async function recall(
  on: Queryable,
  hashes: Map<string, string>,
): Promise<{ statuses: Map<string, Status>; at: string | null }> {
  const keys = keysOf([...hashes.keys()]);
  const stops = await readStops(on, keys);
  const statuses = new Map<string, Status>();
  let at: string | null = null;
  for (const [text, here] of hashes) {
    const stop = stops.get(text);
    const status = statusOf({
      here,
      base: stop?.base_hash ?? null,
      there: stop?.seen_hash ?? null,
    });
    if (status) statuses.set(text, status);
    if (stop && (at === null || stop.seen_at < at)) at = stop.seen_at;
  }
  return { statuses, at };
}
