// Decides which messages of an account are recent and therefore migrated first: messages of the last days, up to a
// maximum, and always the newest 50. Pure functions.
import { toSqlInstant } from '../database/sql.ts';
import { positionIn } from './records.ts';
import type { RawRecord, ReadPage } from './reader.ts';

/** This many messages are always recent, however old they are. */
const LEAST = 50;

/** Returns the time before which messages are not recent, in the format of the database. */
export const cutAt = (days: number, now = Date.now()): string =>
  toSqlInstant(new Date(now - days * 24 * 60 * 60 * 1000).toISOString());

type Recent = { cutAt: string; most: number };

/** Returns how many records to read next; 0 when all recent records have been read. */
export const recentLimit = (read: number, { most }: Recent, page: number): number =>
  Math.max(0, Math.min(page, most - read));

/**
 * Returns the recent records of a page. `read`: how many records were read before this page.
 * `isLast`: whether the recent records end on this page; if older records follow, `next` is the
 * cursor of the last recent record.
 */
export function recentOf(
  { items, next }: ReadPage<RawRecord>,
  { after, read, ...recent }: Recent & { after: string | null; read: number },
): ReadPage<RawRecord> & { isLast: boolean } {
  const end = items.findIndex((one, index) => read + index >= LEAST && isBefore(one, recent.cutAt));
  if (end === -1)
    return { items, next, isLast: next === null || read + items.length >= recent.most };
  const kept = items.slice(0, end);
  return { items: kept, next: kept.at(-1)?.cursor ?? after, isLast: true };
}

/** Whether a record is too old to be recent. A record without a valid time is never too old. */
function isBefore(record: RawRecord, cutAt: string): boolean {
  const position = positionIn(record);
  return position !== null && position < cutAt;
}
