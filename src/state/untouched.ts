// Rows that have no entry in the table `row_state`, because nobody has changed them since they came with a refresh. The
// first write of such a row adds its entry.
import {
  keyFrom,
  keyText,
  titleOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { insertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { readBases } from './base-chunks.ts';
import { readMappings, type Mappings } from './name-mapping.ts';
import {
  keyOfLine,
  lastChangedBy,
  readStates,
  stateAfter,
  whereRows,
  type Authors,
  type RowState,
} from './row-state.ts';

/** Who is recorded as the author of rows that a refresh brought. */
export const REFRESH = 'refresh';
/** Who is recorded as the author of rows that another program wrote. */
export const OUTSIDE = 'outside Oneway';

/**
 * What is known of a row without an entry in `row_state`: who created it and when, its version, and the hash of its
 * base if it has one.
 */
export type Origin = Pick<RowState, 'version' | 'created_by' | 'created_at'> & {
  base: string | null;
};

/**
 * Returns what is known of rows without an entry in `row_state`, by key text (`task:12`). A row of which nothing is
 * known is missing from the result.
 */
export async function originsOf(on: Queryable, keys: RowKey[]): Promise<Map<string, Origin>> {
  if (keys.length === 0) return new Map();
  const bases = await readBases(on, keys);
  const arrivals = await firstArrivals(on, keys);
  const found = new Map<string, Origin>();
  for (const key of keys) {
    const text = keyText(key);
    const [arrival, base] = [arrivals.get(text), bases.get(text)];
    const at = arrival?.at ?? base?.at;
    if (at === undefined) continue;
    found.set(text, {
      version: arrival?.version ?? 0,
      created_by: REFRESH,
      created_at: at,
      base: base?.hash ?? null,
    });
  }
  return found;
}

/**
 * Finds the time of the first write of each of these rows, and the version of its last write. A row without a history
 * is missing from the result.
 */
async function firstArrivals(on: Queryable, keys: RowKey[]) {
  const lines = await select<{ entity: string; row_id: number; version: number; at: string }>(
    on,
    sql`select entity, row_id, max(version) as version, min(at) as at from arrival
         where ${whereRows(keys)} group by entity, row_id`,
  );
  return new Map(lines.map((line) => [keyText(keyOfLine(line)), line]));
}

/**
 * Builds the `row_state` entry of a row that has none; the entry says that nobody has changed the row. The hash of the
 * entry is the hash of the row’s base, if there is one, and not the hash of the row as just read, because another
 * process may be changing the row.
 */
function stateAsItCame(
  entity: Entity,
  row: Row,
  origin: Origin | undefined,
  mappings: Mappings,
): RowState {
  const instant = new Date().toISOString();
  const person = origin?.created_by ?? OUTSIDE;
  const state = stateAfter(entity, row, origin, { person, instant, mappings });
  return {
    ...state,
    hash: origin?.base ?? state.hash,
    version: origin?.version ?? 0,
    changed_at: origin?.created_at ?? state.changed_at,
  };
}

/**
 * Builds the `row_state` entries of these rows, by key text (`task:12`). Rows that do not exist are left out. The rows
 * must not have entries yet.
 */
export async function statesOfUntouched(
  place: Databases,
  keys: RowKey[],
  mappings?: Mappings,
): Promise<Map<string, RowState>> {
  if (keys.length === 0) return new Map();
  return statesFrom(place.sql, await read(place, keys), await originsOf(place.sql, keys), mappings);
}

async function statesFrom(
  on: Queryable,
  rows: Map<string, Row>,
  origins: Map<string, Origin>,
  mappings?: Mappings,
): Promise<Map<string, RowState>> {
  const mapped = mappings ?? (await readMappings(on));
  return new Map(
    [...rows].map(([text, row]) => {
      const entity = entityNamed(keyFrom(text).entity);
      return [text, stateAsItCame(entity, row, origins.get(text), mapped)];
    }),
  );
}

/** Adds a `row_state` entry for each of these rows that exists and has none. `known`: those that have one. */
export async function addLines(place: Databases, keys: RowKey[], known?: Authors) {
  if (keys.length === 0) return;
  const present = known ?? (await lastChangedBy(place.sql, keys));
  const others = keys.filter((key) => !present.has(keyText(key)));
  if (others.length === 0) return;
  const states = await statesOfUntouched(place, others);
  forgetCached();
  await insertRows(
    place.sql,
    'row_state',
    [...states.values()],
    sql`on duplicate key update entity = values(entity)`,
  );
}

/**
 * Returns the `row_state` entry of a row that exists. If nobody has changed the row since a refresh and it has no
 * entry, returns the entry that it would get. Returns undefined if nothing is known of the row.
 */
export async function recordedState(place: Databases, key: RowKey, row: Row | undefined) {
  const line = (await readStates(place.sql, [key])).get(keyText(key));
  return (
    line ??
    (row && (await untouchedStates(place.sql, new Map([[keyText(key), row]]))).get(keyText(key)))
  );
}

/** Returns the `row_state` entries of several rows, by key text (`task:12`), as recordedState() does for one row. */
export async function recordedStates(
  place: Databases,
  rows: Map<string, Row>,
): Promise<Map<string, RowState>> {
  const lines = await readStates(place.sql, [...rows.keys()].map(keyFrom));
  const others = new Map([...rows].filter(([text]) => !lines.has(text)));
  return new Map([...lines, ...(await untouchedStates(place.sql, others))]);
}

/**
 * Builds the `row_state` entries that rows from a refresh would get, by key text (`task:12`). Rows of which nothing is
 * known are left out.
 */
export async function untouchedStates(
  on: Queryable,
  rows: Map<string, Row>,
): Promise<Map<string, RowState>> {
  const origins = await originsOf(on, [...rows.keys()].map(keyFrom));
  const known = new Map([...rows].filter(([text]) => origins.has(text)));
  return known.size === 0 ? new Map() : statesFrom(on, known, origins);
}

/**
 * Returns the titles of rows, by key text (`task:12`): the recorded title, or the title of the row itself if
 * `row_state` has no entry.
 */
export async function titlesOf(place: Databases, keys: RowKey[]): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map();
  const lines = await select<{ entity: string; row_id: number; title: string }>(
    place.sql,
    sql`select entity, row_id, title from row_state where ${whereRows(keys)}`,
  );
  const titles = new Map(
    lines.map(({ entity, row_id: id, title }) => [keyText({ entity, id }), title]),
  );
  const others = keys.filter((key) => !titles.has(keyText(key)));
  for (const [text, row] of others.length > 0 ? await read(place, others) : []) {
    titles.set(text, titleOf(entityNamed(keyFrom(text).entity), row));
  }
  return titles;
}
