// Serves the feed that apps poll: the rows and deletions of an entity, in the order of their last change. An app that
// always follows the link `next` of each answer misses no change, even when rows are written while it polls.
import type { Entity, Row, RowKey } from '../catalog/entity.ts';
import { BEGINNING, isInstant } from '../catalog/misfits.ts';
import { first, fromSqlInstant, select, snapshot, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { changedAfter } from '../rows/mysql-questions.ts';
import { readChangedAfter, readOne } from '../rows/store.ts';
import type { Cursor } from '../rows/query.ts';
import { readClock } from '../state/clock.ts';
import { failpoint } from '../database/failpoints.ts';

export type { Cursor };

/** An item of the feed: a row with its present content, or the deletion of a row. */
export type Item = (Row & { deleted: false }) | { id: number; modified_at: string; deleted: true };

/**
 * A position in the feed. `certainUpTo` is set if earlier pages of the feed contained MongoDB documents that a running
 * transfer has written, or a timestamp in the future. The feed is certain (complete) only up to `certainUpTo`: rows may
 * still be added after it.
 */
export type Place = Cursor & { certainUpTo: string | null };
export type Page = { items: Item[]; next: Place; isMore: boolean };

/** The position before the first item. */
export const START: Cursor = { modifiedAfter: BEGINNING, after: 0 };

/**
 * Returns the items after the position `from`: at most `limit`, and fewer when the items are large. MongoDB documents
 * that a running transfer has written are included, so that no item refers to a row that the app gets only later.
 * Because this transfer may still write rows with earlier timestamps, `next` on the last page goes back to the
 * timestamp up to which every transfer had ended.
 */
export async function pageOf(
  here: Environment,
  entity: Entity,
  from: Place,
  limit: number,
): Promise<Page> {
  const { items, certainUpTo } = await feedOf[entity.store](here, entity, from, limit + 1);
  const shown = fitting(items, limit);
  const isMore = items.length > shown.length;
  const last = shown.at(-1);
  const end = last ? { modifiedAfter: last.modified_at, after: last.id } : from;
  const certain = earlier(from.certainUpTo, certainUpTo);
  if (isMore) return { items: shown, next: { ...end, certainUpTo: certain }, isMore };
  const isBeyond = certain !== null && end.modifiedAfter > certain;
  const next = isBeyond ? { modifiedAfter: certain, after: Number.MAX_SAFE_INTEGER } : end;
  return { items: shown, next: { ...next, certainUpTo: null }, isMore };
}

/** The most characters of JSON that one page of the feed may have. */
const ROOM = 4_000_000;

/** Returns the first items that fit on a page, and at least one item, however large it is. */
function fitting(items: Item[], limit: number): Item[] {
  let length = 0;
  const end = items.slice(0, limit).findIndex((item, index) => {
    length += JSON.stringify(item).length;
    return index > 0 && length > ROOM;
  });
  return items.slice(0, end === -1 ? limit : end);
}

const earlier = (one: string | null, other: string | null) =>
  one === null || (other !== null && other < one) ? other : one;

type Found = {
  items: Item[];
  /** The timestamp up to which the feed is certain (complete); null if all items are certain. */
  certainUpTo: string | null;
};

/** Reads the MySQL rows and the deletions that come after a position, in one snapshot. */
const rowsAfter = (
  here: Environment,
  entity: Entity,
  from: Cursor,
  limit: number,
): Promise<Found> =>
  snapshot(here.sql, async (on) => {
    const items = merged(
      await readChangedAfter({ ...here, sql: on }, entity, from, limit),
      await deletedAfter(on, entity, from, limit),
    );
    return { items, certainUpTo: await presentBefore(on, items) };
  });

/**
 * Returns the present time if an item has a timestamp in the future, and otherwise null. An app
 * that continued after a future timestamp would miss every change until that time.
 */
async function presentBefore(on: Queryable, items: Item[]): Promise<string | null> {
  const { instant, now } = await readClock(on);
  const present = instant > now ? instant : now;
  return items.some(({ modified_at: at }) => at > present) ? present : null;
}

/**
 * Reads the MongoDB documents that come after a position in the feed. MongoDB is read without a snapshot, so the latest
 * timestamp of the environment is read before and after the documents. If it is unchanged and no transfer has claimed a
 * row for writing, all documents are certain. Otherwise only documents up to the earlier of the two timestamps are
 * certain.
 */
async function documentsAfter(
  here: Environment,
  entity: Entity,
  from: Cursor,
  limit: number,
): Promise<Found> {
  const before = await lastInstant(here.sql);
  const documents = await readChangedAfter(here, entity, from, limit);
  await failpoint('feed documents');
  return snapshot(here.sql, async (on) => {
    const isQuiet = (await lastInstant(on)) === before && !(await isHeld(on));
    const items = merged(documents, await deletedAfter(on, entity, from, limit));
    const present = await presentBefore(on, items);
    return { items, certainUpTo: isQuiet ? present : earlier(before, present) };
  });
}

const merged = (rows: Row[], gone: Item[]): Item[] =>
  [...rows.map((row): Item => ({ ...row, deleted: false })), ...gone].toSorted(byInstant);

const byInstant = (one: Item, other: Item) =>
  one.modified_at < other.modified_at
    ? -1
    : one.modified_at > other.modified_at
      ? 1
      : one.id - other.id;

async function deletedAfter(
  on: Queryable,
  { name }: Entity,
  cursor: Cursor,
  limit: number,
): Promise<Item[]> {
  const lines: { row_id: number; deleted_at: string }[] = [];
  for (const { where, order } of changedAfter(sql`deleted_at`, sql`row_id`, cursor)) {
    if (lines.length < limit) {
      lines.push(
        ...(await select<{ row_id: number; deleted_at: string }>(
          on,
          sql`select row_id, deleted_at from row_state
               where entity = ${name} and deleted_at is not null and ${where}
               order by ${order} limit ${limit - lines.length}`,
        )),
      );
    }
  }
  return lines.map(({ row_id: id, deleted_at: at }) => deletionOf(id, at));
}

/**
 * Makes the item for a deleted row. A deletion without a valid timestamp (a zero date) gets the
 * earliest timestamp, so that it comes before all other items.
 */
function deletionOf(id: number, deletedAt: string): Item {
  const at = fromSqlInstant(deletedAt);
  return { id, modified_at: isInstant(at) ? at : BEGINNING, deleted: true };
}

/**
 * Returns the latest timestamp that Oneway has assigned. No finished write has a later timestamp.
 */
async function lastInstant(on: Queryable): Promise<string> {
  const clock = await first<{ instant: string }>(
    on,
    sql`select instant from clock where name = 'clock'`,
  );
  return clock ? fromSqlInstant(clock.instant) : START.modifiedAfter;
}

const isHeld = async (on: Queryable): Promise<boolean> =>
  (await first(on, sql`select 1 from claim where mode = 'write' limit 1`)) !== undefined;

/**
 * Reads one row. Returns the deletion if the row was deleted, and null if the row never existed.
 */
export async function itemAt(here: Environment, entity: Entity, id: number): Promise<Item | null> {
  const key: RowKey = { entity: entity.name, id };
  const row = await readOne(here, key);
  if (row) return { ...row, deleted: false };
  const gone = await first<{ deleted_at: string }>(
    here.sql,
    sql`select deleted_at from row_state
         where entity = ${entity.name} and row_id = ${id} and deleted_at is not null`,
  );
  return gone ? deletionOf(id, gone.deleted_at) : null;
}

/**
 * For each database, the function that reads a page of the feed. A MySQL row is certain once it is committed; a
 * document is certain only once its transfer has ended.
 */
const feedOf = { mysql: rowsAfter, mongo: documentsAfter };
