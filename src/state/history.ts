// The history of rows. Every save, transfer and refresh records in the table `arrival` which content it replaced. The
// content after a write is not recorded: it is what the next write replaced or, after the last write, the present row.
import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { placeText, readImages, replaced, type ImagePlace } from '../database/image-bundles.ts';
import { keyOfLine, whereRows } from './row-state.ts';
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
  version: number;
};

/** An entry of the history with the row before and after the write; null if the row did not exist then. */
export type Replacement = Arrival & Images;
type Images = { before: Row | null; after: Row | null };

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
  return withImages(place, lines);
}

type Line = Pick<Arrival, 'id' | 'transfer' | 'seq' | 'entity' | 'row_id' | 'action'>;

/**
 * Adds to history entries the rows before and after each write. The row after a write is what the next write replaced
 * or, after the last write, the present row. So a change by another program in between counts as part of the earlier
 * write.
 */
export async function withImages<T extends Line>(
  place: Databases,
  lines: T[],
): Promise<(T & Images)[]> {
  const next = await nextWrites(place.sql, lines);
  const images = await readImages<Row>(place.sql, replaced, [...lines, ...next.values()]);
  const last = lines.filter(({ id, action }) => action !== 'remove' && !next.has(id));
  const rows = await read(place, last.map(keyOfLine));
  return lines.map((line) => {
    const later = next.get(line.id);
    const left = later ? images.get(placeText(later)) : rows.get(keyText(keyOfLine(line)));
    return {
      ...line,
      before: images.get(placeText(line)) ?? null,
      after: line.action === 'remove' ? null : (left ?? null),
    };
  });
}

/**
 * Finds the next write of the same row for each history entry, by the id of the entry. The last entry of a row has
 * none.
 */
async function nextWrites(on: Queryable, lines: Pick<Arrival, 'id'>[]) {
  if (lines.length === 0) return new Map<number, ImagePlace>();
  const found = await select<Pick<Arrival, 'id'> & ImagePlace>(
    on,
    sql`select this.id, next.transfer, next.seq from arrival this
          join arrival next
            on next.id = (select min(later.id) from arrival later
                           where later.entity = this.entity and later.row_id = this.row_id
                             and later.id > this.id)
         where this.id in (${lines.map(({ id }) => id)})`,
  );
  return new Map(found.map((line) => [line.id, line]));
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
  const isKept = (line: Replacement) => line.entity === entity || line.after !== null;
  return (await withImages(place, lines)).filter(isKept);
}

/**
 * Returns the first history entry of each of these rows, by key text (`task:12`). Rows that only other programs wrote
 * have none.
 */
export async function firstReplacements(place: Databases, keys: RowKey[]) {
  if (keys.length === 0) return new Map<string, Replacement>();
  const lines = await select<Arrival>(
    place.sql,
    sql`select a.* from arrival a
          join (select min(id) as id from arrival where ${whereRows(keys)} group by entity, row_id) oldest
            on oldest.id = a.id`,
  );
  const found = await withImages(place, lines);
  return new Map(found.map((line) => [keyText(keyOfLine(line)), line]));
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

/** The last write of a row: its kind, its person, and the row before the write. `before` is null if it was not read. */
export type LastWrite = Pick<Arrival, 'kind' | 'person'> & { before: Row | null };

/**
 * Finds the last write of each of these rows, by key text (`task:12`). `before`: the id of a transfer; only earlier
 * writes count.
 */
export async function lastWrites(
  on: Queryable,
  keys: RowKey[],
  { before = '', withImages: hasImages = true } = {},
): Promise<Map<string, LastWrite>> {
  if (keys.length === 0) return new Map();
  const lines = await select<Line & Pick<Arrival, 'kind' | 'person'>>(
    on,
    sql`select a.id, a.transfer, a.seq, a.entity, a.row_id, a.action, a.kind, a.person from arrival a
          join (select max(id) as id from arrival where ${whereRows(keys)}
                   and id < coalesce((select min(own.id) from arrival own where own.transfer = ${before}), ~0)
                 group by entity, row_id) newest on newest.id = a.id`,
  );
  const images = hasImages ? await readImages<Row>(on, replaced, lines) : new Map<string, Row>();
  return new Map(
    lines.map(({ kind, person, ...line }) => [
      keyText(keyOfLine(line)),
      { kind, person, before: images.get(placeText(line)) ?? null },
    ]),
  );
}

/** The history entries of one transfer in this environment, with the rows before and after them. */
export async function replacementsOf(place: Databases, transfer: string): Promise<Replacement[]> {
  const lines = await select<Arrival>(
    place.sql,
    sql`select * from arrival where transfer = ${transfer} order by seq`,
  );
  return withImages(place, lines);
}

/** The rows that a save added, as they were stored then: the row itself first, then its dependent rows. */
export async function addedBy(
  place: Databases,
  transfer: string,
): Promise<{ entity: string; row: Row }[]> {
  const lines = await replacementsOf(place, transfer);
  return lines.flatMap(({ entity, before, after: row }) =>
    row && before === null ? [{ entity, row }] : [],
  );
}

/** Returns who wrote a row after this version, each person once. */
export async function writersAfter(on: Queryable, { entity, id }: RowKey, version: number) {
  const lines = await select<Pick<Arrival, 'person'>>(
    on,
    sql`select distinct person from arrival
         where entity = ${entity} and row_id = ${id} and version > ${version}
         order by person`,
  );
  return lines.map(({ person }) => person);
}
