// Places in lists that are read newest first: the time and the id of an item, `2026-11-20T10:11:12.123Z#<id>`. The next
// page begins after such a place, whatever was added or removed meanwhile.
import { z } from 'zod';
import { Invalid } from '../problems.ts';

/** How many items a page of a list has. */
export const PAGE = 50;

/** Some items of a list, and the place before which the next page begins; null on the last one. */
export type InboxPage<T> = { items: T[]; next: string | null };

/** The form of a place. */
export const PLACE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)#([\w.:@-]{1,64})$/;
const instant = z.iso.datetime();

/** The time and the id that a place consists of; null for a text that is no place. */
export function partsOf(place: string): { at: string; id: string } | null {
  const [, at = '', id = ''] = PLACE.exec(place) ?? [];
  return instant.safeParse(at).success ? { at, id } : null;
}

/**
 * Parses the place before which a page ends; null for the first page.
 * @throws Invalid when it is no place
 */
export function placeBefore(text: string | null): string | null {
  if (text === null || text === '') return null;
  if (partsOf(text)) return text;
  throw new Invalid({ before: 'before: must come from the link “next” of the page before' });
}

/** Makes a page of the rows that were read: one more than fit shows that there is a next page. */
export function pageOf<T>(rows: T[], placeOf: (row: T) => string): InboxPage<T> {
  const items = rows.slice(0, PAGE);
  const last = items.at(-1);
  return { items, next: rows.length > PAGE && last ? placeOf(last) : null };
}
