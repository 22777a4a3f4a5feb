// Finds former contents of rows, with their hashes, in the history of the rows.
import { hashOf } from '../catalog/content.ts';
import { keyFrom, keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { placeText, readImages, replaced, type ImagePlace } from '../database/image-bundles.ts';
import { first, select, sql, type Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { withImages, type Arrival } from './history.ts';
import { keyOfLine, whereRows } from './row-state.ts';

/**
 * Returns the content that a row had in its version `version`. The history recorded this content when the next change
 * replaced it. Returns null if the history does not contain it.
 */
export async function replacedAfter(on: Queryable, { entity, id }: RowKey, version: number) {
  const line = await first<ImagePlace>(
    on,
    sql`select transfer, seq from arrival
         where entity = ${entity} and row_id = ${id} and version > ${version} and action <> 'create'
         order by version, id
         limit 1`,
  );
  return line ? ((await readImages<Row>(on, replaced, [line])).get(placeText(line)) ?? null) : null;
}

/**
 * Searches the history of rows for the contents with these hashes. `wanted`: the hash for each row, by key text
 * (`task:12`). Returns the found contents, by key text.
 */
export async function replacedContents(on: Queryable, wanted: Map<string, string>) {
  const found = new Map<string, Row>();
  for (const [key, row] of await allReplaced(on, [...wanted.keys()].map(keyFrom))) {
    const text = keyText(key);
    if (!found.has(text) && hashOf(entityNamed(key.entity), row) === wanted.get(text))
      found.set(text, row);
  }
  return found;
}

/** Returns the hashes of all former contents of these rows in this environment, by row id. */
export async function formerContents(on: Queryable, entity: Entity, ids: number[]) {
  const found = new Map<number, Set<string>>();
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  for (const [{ id }, row] of await allReplaced(on, keys)) {
    found.set(id, (found.get(id) ?? new Set()).add(hashOf(entity, row)));
  }
  return found;
}

type Line = Pick<Arrival, 'transfer' | 'seq' | 'entity' | 'row_id'>;

/** All contents of these rows that writes replaced, newest first. */
async function allReplaced(on: Queryable, keys: RowKey[]): Promise<[RowKey, Row][]> {
  const lines = await select<Line>(
    on,
    sql`select transfer, seq, entity, row_id from arrival
         where ${whereRows(keys)} and action <> 'create' order by id desc`,
  );
  const images = await readImages<Row>(on, replaced, lines);
  return lines.flatMap((line) => {
    const row = images.get(placeText(line));
    return row ? [[keyOfLine(line), row] satisfies [RowKey, Row]] : [];
  });
}

/**
 * Returns the hash and time of every content that a refresh or restore copied from production into
 * these rows.
 */
export async function refreshedContents(place: Databases, entity: Entity, ids: number[]) {
  const lines = await select<Line & Pick<Arrival, 'id' | 'action' | 'at'>>(
    place.sql,
    sql`select id, transfer, seq, entity, row_id, action, at from arrival
         where entity = ${entity.name} and row_id in (${ids}) and kind in ('refresh', 'restore')`,
  );
  return (await withImages(place, lines)).flatMap(({ row_id: id, at, after }) =>
    after ? [{ id, at, hash: hashOf(entity, after) }] : [],
  );
}
