// Decides which messages are recent: those of the last days, at most so many, and at least 50. Pure functions.
import { toSqlInstant } from '../database/sql.ts';
import { positionIn } from './records.ts';
import type { RawRecord, ReadPage } from './reader.ts';

/** As many messages are recent at any age. */
const LEAST = 50;

/** The time before which messages are not recent, as it is stored. */
export const cutAt = (days: number, now = Date.now()): string =>
  toSqlInstant(new Date(now - days * 24 * 60 * 60 * 1000).toISOString());

type Recent = { cutAt: string; most: number };

/** How many records to read next; 0 when all recent ones are read. */
export const recentLimit = (read: number, { most }: Recent, page: number): number =>
  Math.max(0, Math.min(page, most - read));

/**
 * The recent records of a page. `read`: how many were read before it. `isLast`: whether the older ones follow; `next`
 * then is the cursor of the last recent one.
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

/** A record without a time is as recent as its neighbours. */
function isBefore(record: RawRecord, cutAt: string): boolean {
  const position = positionIn(record);
  return position !== null && position < cutAt;
}
