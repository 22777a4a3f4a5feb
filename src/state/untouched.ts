// Rows that have no line in `row_state`, because nobody has touched them since they came with a refresh. The first
// write gives a row its line.
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
import { keyOfLine, readStates, stateAfter, whereRows, type RowState } from './row-state.ts';

/** Who is recorded as the author of rows that a refresh brought. */
export const REFRESH = 'refresh';
/** Who is recorded as the author of rows that another program wrote. */
export const OUTSIDE = 'outside Oneway';

/** Where a row without a line came from, its version, and the hash of its base if it has one. */
export type Origin = Pick<RowState, 'version' | 'created_by' | 'created_at'> & {
  base: string | null;
};

/** The origins of rows that have no line, by key text; rows that nothing is known of are missing. */
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

/** When each of these rows was written first, and the version of its last write; rows without a history are missing. */
async function firstArrivals(on: Queryable, keys: RowKey[]) {
  const lines = await select<{ entity: string; row_id: number; version: number; at: string }>(
    on,
    sql`select entity, row_id, max(version) as version, min(at) as at from arrival
         where ${whereRows(keys)} group by entity, row_id`,
  );
  return new Map(lines.map((line) => [keyText(keyOfLine(line)), line]));
}

/**
 * The line of a row that has none, which says that nobody has touched the row. Its hash is the base, as was recorded
 * without the line, so that a row that another process changes meanwhile gets no outdated hash.
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

/** The lines to write for these rows, which exist and have none, by key text. */
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

/** Gives these rows a line each, where they exist and have none. */
export async function addLines(place: Databases, keys: RowKey[]) {
  if (keys.length === 0) return;
  const present = await readStates(place.sql, keys);
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
 * What is recorded of a row that exists: its line or, for a row that nobody has touched, what the line would say.
 * Undefined for a row that nothing is known of.
 */
export async function recordedState(place: Databases, key: RowKey, row: Row | undefined) {
  const line = (await readStates(place.sql, [key])).get(keyText(key));
  return (
    line ??
    (row && (await untouchedStates(place.sql, new Map([[keyText(key), row]]))).get(keyText(key)))
  );
}

/** What is recorded of rows that exist, by key text. */
export async function recordedStates(
  place: Databases,
  rows: Map<string, Row>,
): Promise<Map<string, RowState>> {
  const lines = await readStates(place.sql, [...rows.keys()].map(keyFrom));
  const others = new Map([...rows].filter(([text]) => !lines.has(text)));
  return new Map([...lines, ...(await untouchedStates(place.sql, others))]);
}

/** What the lines of these rows would say, by key text, for rows that came with a refresh and have no line. */
export async function untouchedStates(
  on: Queryable,
  rows: Map<string, Row>,
): Promise<Map<string, RowState>> {
  const origins = await originsOf(on, [...rows.keys()].map(keyFrom));
  const known = new Map([...rows].filter(([text]) => origins.has(text)));
  return known.size === 0 ? new Map() : statesFrom(on, known, origins);
}

/** Reads the titles of rows, by key text: as recorded, or from the rows that have no line. */
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
