// Positions of items in lists that are sorted newest first: the time and the id of an item,
// `2026-11-20T10:11:12.123Z#<id>`. The next page begins after a position, so items that are added or removed meanwhile
// do not disturb the paging.
import { z } from 'zod';
import { Invalid } from '../problems.ts';

/** How many items a page of a list has. */
export const PAGE = 50;

/**
 * One page of a list. `next`: the position after which the next, older items follow; null on the
 * last page.
 */
export type InboxPage<T> = { items: T[]; next: string | null };

/** The format of a position. */
export const PLACE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)#([\w.:@-]{1,64})$/;
const instant = z.iso.datetime();

/** Splits a position into its time and its id; null if the text is not a position. */
export function partsOf(place: string): { at: string; id: string } | null {
  const [, at = '', id = ''] = PLACE.exec(place) ?? [];
  return instant.safeParse(at).success ? { at, id } : null;
}

/**
 * Parses the parameter `before`: the page has only items older than this position; null for the
 * first page.
 * @throws Invalid when the text is not a position
 */
export function placeBefore(text: string | null): string | null {
  if (text === null || text === '') return null;
  if (partsOf(text)) return text;
  throw new Invalid({ before: 'before: must come from the link “next” of the page before' });
}

/**
 * Makes a page of the rows that were read. The query reads one row more than a page holds, which
 * shows whether there is a next page.
 */
export function pageOf<T>(rows: T[], placeOf: (row: T) => string): InboxPage<T> {
  const items = rows.slice(0, PAGE);
  const last = items.at(-1);
  return { items, next: rows.length > PAGE && last ? placeOf(last) : null };
}
