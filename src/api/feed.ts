// What the apps read: rows in the order in which they were changed, and deletions among them. Who follows `next`
// misses nothing, whatever is written meanwhile.
import type { Entity, Row, RowKey } from '../catalog/entity.ts';
import { BEGINNING, isInstant } from '../catalog/misfits.ts';
import { first, fromSqlInstant, select, snapshot, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { changedAfter } from '../rows/mysql-questions.ts';
import { readChangedAfter, readOne } from '../rows/store.ts';
import type { Cursor } from '../rows/query.ts';
import { readClock } from '../state/clock.ts';
import { failpoint } from '../writing/failpoints.ts';

export type { Cursor };

/** A row as it stands, or the news that it is gone. */
export type Item = (Row & { deleted: false }) | { id: number; modified_at: string; deleted: true };

/** A place in the feed; `certainUpTo` where pages before this one gave out what was not certain yet. */
export type Place = Cursor & { certainUpTo: string | null };
export type Page = { items: Item[]; next: Place; isMore: boolean };

/** Before everything. */
export const START: Cursor = { modifiedAfter: BEGINNING, after: 0 };

/**
 * The next items after `from`: `limit` of them, or fewer when they are large. Documents stand a moment before their transfer is certain: they are given out
 * at once, so that nothing that refers to them comes before them. But when the last page is reached, `next` goes back
 * to where everything is certain, because what was written beside them may come with an earlier instant.
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

/** Characters of a page, as JSON. */
const ROOM = 4_000_000;

/** The first items that fit a page; one always does. */
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
  /** Null when everything found is certain. */
  certainUpTo: string | null;
};

/** Rows and deletions from one snapshot. */
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
 * The present time, where items are later than that: whoever followed them would miss every change until then. Null
 * where none is.
 */
async function presentBefore(on: Queryable, items: Item[]): Promise<string | null> {
  const { instant, now } = await readClock(on);
  const present = instant > now ? instant : now;
  return items.some(({ modified_at: at }) => at > present) ? present : null;
}

/**
 * Documents have no snapshot: the clock is read first, and anything later is not certain. If nobody wrote
 * meanwhile and nobody holds a claim, everything is certain.
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

/** A deletion without an instant (a zero date) counts as one at the beginning. */
function deletionOf(id: number, deletedAt: string): Item {
  const at = fromSqlInstant(deletedAt);
  return { id, modified_at: isInstant(at) ? at : BEGINNING, deleted: true };
}

/** Everything certain that this program wrote is not later than this instant. */
async function lastInstant(on: Queryable): Promise<string> {
  const clock = await first<{ instant: string }>(
    on,
    sql`select instant from clock where name = 'clock'`,
  );
  return clock ? fromSqlInstant(clock.instant) : START.modifiedAfter;
}

const isHeld = async (on: Queryable): Promise<boolean> =>
  (await first(on, sql`select 1 from claim where mode = 'write' limit 1`)) !== undefined;

/** One row, or its deletion; null when it never existed. */
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

/** A commit makes rows certain; documents are certain when their transfer has ended. */
const feedOf = { mysql: rowsAfter, mongo: documentsAfter };
