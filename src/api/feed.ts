// What the apps read: rows in the order in which they were changed, and deletions among them. Who follows `next`
// misses nothing, whatever is written meanwhile.
import type { Entity, Row, RowKey } from '../catalog/entity.ts';
import { first, fromSqlInstant, select, snapshot, sql, toSqlInstant } from '../database/sql.ts';
import type { Stop } from '../environments/place.ts';
import { readChangedAfter, readOne, type Cursor } from '../environments/row-store.ts';
import type { Queryable } from '../database/sql.ts';

export type { Cursor };

/** A row as it stands, or the news that it is gone. */
export type Item = (Row & { deleted: false }) | { id: number; modified_at: string; deleted: true };

export type Page = { items: Item[]; next: Cursor; isMore: boolean };

/** Before everything. */
export const START: Cursor = { modifiedAfter: '1970-01-01T00:00:00.000Z', after: 0 };

/**
 * The next `limit` items after `from`, of one moment. A document is written a moment before its transfer is
 * certain: it is given out at once, so that nothing that refers to it comes before it, but `next` stays behind
 * it, because deletions of the same transfer have an earlier instant and are not to be seen yet.
 */
export async function pageOf(
  here: Stop,
  entity: Entity,
  from: Cursor,
  limit: number,
): Promise<Page> {
  // Documents first: what was written between the two readings is then known by its claim or its deletions.
  const documents =
    entity.store === 'mongo' ? await readChangedAfter(here, entity, from, limit + 1) : [];
  const { rows, gone, inFlightAfter, claimed } = await snapshot(here.sql, async (on) => ({
    rows:
      entity.store === 'mysql'
        ? await readChangedAfter({ ...here, sql: on }, entity, from, limit + 1)
        : [],
    gone: await deletedAfter(on, entity, from, limit + 1),
    inFlightAfter: await lastInstant(on),
    claimed: await claimedIds(on, entity, documents),
  }));
  const items = [...documents, ...rows]
    .map((row): Item => ({ ...row, deleted: false }))
    .concat(gone)
    .toSorted(byInstant);
  const shown = items.slice(0, limit);
  const isInFlight = (item: Item) => claimed.has(item.id) && item.modified_at > inFlightAfter;
  const firstInFlight = shown.findIndex(isInFlight);
  const certain = firstInFlight === -1 ? shown : shown.slice(0, firstInFlight);
  const last = certain.at(-1);
  return {
    items: shown,
    next: last ? { modifiedAfter: last.modified_at, after: last.id } : from,
    isMore: items.length > limit && certain.length === shown.length,
  };
}

const byInstant = (one: Item, other: Item) =>
  one.modified_at < other.modified_at
    ? -1
    : one.modified_at > other.modified_at
      ? 1
      : one.id - other.id;

async function deletedAfter(
  on: Queryable,
  { name }: Entity,
  { modifiedAfter, after }: Cursor,
  limit: number,
): Promise<Item[]> {
  const instant = toSqlInstant(modifiedAfter);
  const lines = await select<{ row_id: number; deleted_at: string }>(
    on,
    sql`select row_id, deleted_at from row_state
         where entity = ${name} and deleted_at >= ${instant} and (deleted_at > ${instant} or row_id > ${after})
         order by deleted_at, row_id limit ${limit}`,
  );
  return lines.map(({ row_id: id, deleted_at: at }) => ({
    ...{ id, modified_at: fromSqlInstant(at), deleted: true },
  }));
}

/** What is certain has no later instant than this. */
async function lastInstant(on: Queryable): Promise<string> {
  const clock = await first<{ instant: string }>(
    on,
    sql`select instant from clock where name = 'clock'`,
  );
  return clock ? fromSqlInstant(clock.instant) : START.modifiedAfter;
}

async function claimedIds(on: Queryable, { name }: Entity, rows: Row[]): Promise<Set<number>> {
  if (rows.length === 0) return new Set();
  const lines = await select<{ row_id: number }>(
    on,
    sql`select row_id from claim
         where entity = ${name} and mode = 'write' and row_id in (${rows.map(({ id }) => id)})`,
  );
  return new Set(lines.map(({ row_id: id }) => id));
}

/** One row; since when it is gone; or null for what never was. */
export async function itemAt(here: Stop, entity: Entity, id: number): Promise<Item | null> {
  const key: RowKey = { entity: entity.name, id };
  const row = await readOne(here, key);
  if (row) return { ...row, deleted: false };
  const gone = await first<{ deleted_at: string }>(
    here.sql,
    sql`select deleted_at from row_state
         where entity = ${entity.name} and row_id = ${id} and deleted_at is not null`,
  );
  return gone ? { id, modified_at: fromSqlInstant(gone.deleted_at), deleted: true } : null;
}
