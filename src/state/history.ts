// The history of rows. Every save, transfer and refresh records each row’s content before and after it in the table
// `arrival`.
import { hashOf } from '../catalog/content.ts';
import { keyFrom, keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { whereRows } from './row-state.ts';
import type { StepAction, TransferKind } from './transfer-kinds.ts';

export type Arrival = {
  id: number;
  transfer: string;
  /** The position of the row in its transfer: 1 for the first, 2 for the second … */
  seq: number;
  entity: string;
  row_id: number;
  root_entity: string;
  root_id: number;
  title: string;
  action: StepAction;
  kind: TransferKind;
  name: string;
  reason: string | null;
  person: string;
  origin: string;
  at: string;
  chain: string;
  before_image: string | null;
  after_image: string | null;
  version: number;
};

export const parseImage = (json: string | null) =>
  json === null ? null : (JSON.parse(json) as Row);

/** The history of a row and of its dependent rows, newest first. */
export async function historyOf(place: Databases, { entity, id }: RowKey, limit: number) {
  const lines = await select<Arrival>(
    place.sql,
    sql`select * from arrival
         where (root_entity = ${entity} and root_id = ${id})
            or (entity = ${entity} and row_id = ${id})
         order by id desc
         limit ${limit}`,
  );
  return withAfterImages(place, lines);
}

/**
 * Adds the contents that were not stored: a row that a refresh inserted is as the next arrival replaced it or, without
 * one, as it is now.
 */
async function withAfterImages<
  T extends Pick<Arrival, 'id' | 'entity' | 'row_id' | 'action' | 'after_image'>,
>(place: Databases, lines: T[]): Promise<T[]> {
  const isBare = ({ action, after_image: after }: T) => after === null && action !== 'remove';
  const keys = lines.filter(isBare).map(({ entity, row_id: id }) => ({ entity, id }));
  if (keys.length === 0) return lines;
  const later = await select<Pick<Arrival, 'id' | 'entity' | 'row_id' | 'before_image'>>(
    place.sql,
    sql`select id, entity, row_id, before_image from arrival where ${whereRows(keys)} order by id`,
  );
  const ofRow = Map.groupBy(later, ({ entity, row_id: id }) => keyText({ entity, id }));
  const rows = await read(place, keys);
  return lines.map((line) => {
    if (!isBare(line)) return line;
    const text = keyText({ entity: line.entity, id: line.row_id });
    const next = ofRow.get(text)?.find(({ id }) => id > line.id);
    const row = rows.get(text);
    return { ...line, after_image: next ? next.before_image : row ? JSON.stringify(row) : null };
  });
}

/**
 * Returns a row and its dependent rows as they were just after the transfer that the history entry
 * with the id `upTo` belongs to.
 */
export async function rowAtMoment(place: Databases, { entity, id }: RowKey, upTo: number) {
  const lines = await select<Arrival>(
    place.sql,
    sql`select a.* from arrival a
          join (select max(id) as id from arrival
                 where ((root_entity = ${entity} and root_id = ${id}) or (entity = ${entity} and row_id = ${id}))
                   and id <= (select max(last.id) from arrival last join arrival this on this.transfer = last.transfer
                               where this.id = ${upTo})
                 group by entity, row_id) newest on newest.id = a.id
         order by a.entity <> ${entity}, a.entity, a.row_id`,
  );
  const isKept = (line: Arrival) => line.entity === entity || line.after_image !== null;
  return (await withAfterImages(place, lines)).filter(isKept);
}

/** Returns the newest history entry of each of these rows, by row id. */
export async function latestArrivals(on: Queryable, entity: string, ids: number[]) {
  const lines = await select<Pick<Arrival, 'row_id' | 'kind' | 'at' | 'person'>>(
    on,
    sql`select a.row_id, a.kind, a.at, a.person from arrival a
          join (select max(id) as id from arrival where entity = ${entity} and row_id in (${ids})
                 group by row_id) newest on newest.id = a.id`,
  );
  return new Map(lines.map((line) => [line.row_id, line]));
}

/** The row that a save added, as it was stored then; null if it added none. */
export async function addedBy(on: Queryable, transfer: string): Promise<Row | null> {
  const [line] = await select<Pick<Arrival, 'after_image'>>(
    on,
    sql`select after_image from arrival where transfer = ${transfer} order by seq limit 1`,
  );
  return line ? parseImage(line.after_image) : null;
}

/** Finds in the history the contents with these hashes, by key text. `wanted`: the hashes, by key text. */
export async function replacedContents(on: Queryable, wanted: Map<string, string>) {
  const lines = await select<Pick<Arrival, 'entity' | 'row_id' | 'before_image' | 'after_image'>>(
    on,
    sql`select entity, row_id, before_image, after_image from arrival
         where ${whereRows([...wanted.keys()].map(keyFrom))} order by id desc`,
  );
  const found = new Map<string, Row>();
  for (const { entity, row_id: id, before_image: before, after_image: after } of lines) {
    const text = keyText({ entity, id });
    if (found.has(text)) continue;
    const rows = [parseImage(after), parseImage(before)].filter((row) => row !== null);
    const row = rows.find((one) => hashOf(entityNamed(entity), one) === wanted.get(text));
    if (row) found.set(text, row);
  }
  return found;
}

/** The hashes of all contents that these rows ever had in the environment, by id. */
export async function contentHistory(on: Queryable, entity: Entity, ids: number[]) {
  const lines = await select<Pick<Arrival, 'row_id' | 'before_image' | 'after_image'>>(
    on,
    sql`select row_id, before_image, after_image from arrival
         where entity = ${entity.name} and row_id in (${ids})`,
  );
  const found = new Map<number, Set<string>>();
  for (const { row_id: id, before_image: before, after_image: after } of lines) {
    const own = found.get(id) ?? new Set<string>();
    for (const row of [parseImage(before), parseImage(after)])
      if (row) own.add(hashOf(entity, row));
    found.set(id, own);
  }
  return found;
}

/**
 * Returns the hash and time of every content that a refresh or restore copied from production into
 * these rows.
 */
export async function refreshedContents(place: Databases, entity: Entity, ids: number[]) {
  const lines = await select<
    Pick<Arrival, 'id' | 'entity' | 'row_id' | 'action' | 'at' | 'after_image'>
  >(
    place.sql,
    sql`select id, entity, row_id, action, at, after_image from arrival
         where entity = ${entity.name} and row_id in (${ids}) and kind in ('refresh', 'restore')`,
  );
  return (await withAfterImages(place, lines)).flatMap(({ row_id: id, at, after_image }) => {
    const row = parseImage(after_image);
    return row ? [{ id, at, hash: hashOf(entity, row) }] : [];
  });
}
