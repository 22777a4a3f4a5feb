// The history of rows. Every save, transfer and refresh records in the table `arrival` what it replaced. What a row was
// after a write is what the next write replaced or, without one, the row as it is now.
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
  version: number;
};

/** An arrival with the content that it left, null where the row was gone. */
export type Replacement = Arrival & { after_image: string | null };

export const parseImage = (json: string | null) =>
  json === null ? null : (JSON.parse(json) as Row);

/** The history of a row and of its dependent rows, newest first. */
export async function historyOf(
  place: Databases,
  { entity, id }: RowKey,
  limit: number,
): Promise<Replacement[]> {
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
 * Adds to lines of the history what the rows were after them: what the next write replaced or, without one, the row as
 * it is now. What another program wrote in between counts as part of the earlier write.
 */
export async function withAfterImages<
  T extends Pick<Arrival, 'id' | 'entity' | 'row_id' | 'action'>,
>(place: Databases, lines: T[]): Promise<(T & { after_image: string | null })[]> {
  const kept = lines.filter(({ action }) => action !== 'remove');
  const next = await replacedNext(place.sql, kept);
  const last = kept.filter(({ id }) => !next.has(id));
  const rows = await read(place, last.map(keyOf));
  return lines.map((line) => {
    if (line.action === 'remove') return { ...line, after_image: null };
    const row = rows.get(keyText(keyOf(line)));
    const image = next.has(line.id) ? next.get(line.id) : row && JSON.stringify(row);
    return { ...line, after_image: image ?? null };
  });
}

const keyOf = ({ entity, row_id: id }: Pick<Arrival, 'entity' | 'row_id'>): RowKey => ({
  entity,
  id,
});

/** What the next write of the same row replaced, by the id of the line; the last lines of rows are missing. */
async function replacedNext(on: Queryable, lines: Pick<Arrival, 'id'>[]) {
  if (lines.length === 0) return new Map<number, string | null>();
  const found = await select<Pick<Arrival, 'id' | 'before_image'>>(
    on,
    sql`select this.id, next.before_image from arrival this
          join arrival next
            on next.id = (select min(later.id) from arrival later
                           where later.entity = this.entity and later.row_id = this.row_id
                             and later.id > this.id)
         where this.id in (${lines.map(({ id }) => id)})`,
  );
  return new Map(found.map((line) => [line.id, line.before_image]));
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
  const isKept = (line: Replacement) => line.entity === entity || line.after_image !== null;
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
export async function addedBy(place: Databases, transfer: string): Promise<Row | null> {
  const lines = await select<Arrival>(
    place.sql,
    sql`select * from arrival where transfer = ${transfer} order by seq limit 1`,
  );
  const [line] = await withAfterImages(place, lines);
  return line ? parseImage(line.after_image) : null;
}

/** Finds in the history the contents with these hashes, by key text. `wanted`: the hashes, by key text. */
export async function replacedContents(on: Queryable, wanted: Map<string, string>) {
  const lines = await select<Pick<Arrival, 'entity' | 'row_id' | 'before_image'>>(
    on,
    sql`select entity, row_id, before_image from arrival
         where ${whereRows([...wanted.keys()].map(keyFrom))} order by id desc`,
  );
  const found = new Map<string, Row>();
  for (const { entity, row_id: id, before_image: before } of lines) {
    const text = keyText({ entity, id });
    const row = found.has(text) ? null : parseImage(before);
    if (row && hashOf(entityNamed(entity), row) === wanted.get(text)) found.set(text, row);
  }
  return found;
}

/** The hashes of all contents that these rows had in the environment before their present ones, by id. */
export async function formerContents(on: Queryable, entity: Entity, ids: number[]) {
  const lines = await select<Pick<Arrival, 'row_id' | 'before_image'>>(
    on,
    sql`select row_id, before_image from arrival
         where entity = ${entity.name} and row_id in (${ids})`,
  );
  const found = new Map<number, Set<string>>();
  for (const { row_id: id, before_image: before } of lines) {
    const row = parseImage(before);
    if (row) found.set(id, (found.get(id) ?? new Set()).add(hashOf(entity, row)));
  }
  return found;
}

/**
 * Returns the hash and time of every content that a refresh or restore copied from production into
 * these rows.
 */
export async function refreshedContents(place: Databases, entity: Entity, ids: number[]) {
  const lines = await select<Pick<Arrival, 'id' | 'entity' | 'row_id' | 'action' | 'at'>>(
    place.sql,
    sql`select id, entity, row_id, action, at from arrival
         where entity = ${entity.name} and row_id in (${ids}) and kind in ('refresh', 'restore')`,
  );
  return (await withAfterImages(place, lines)).flatMap(({ row_id: id, at, after_image }) => {
    const row = parseImage(after_image);
    return row ? [{ id, at, hash: hashOf(entity, row) }] : [];
  });
}
