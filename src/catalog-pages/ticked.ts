// The rows that are ticked on a list, in its URL: `ticked=12.15` for those with the IDs 12 and 15. A list that a person
// comes back to after an action ticks them again, and an export of these rows names them.
import { textIn } from '../web/request.ts';
import { AT_ONCE } from './bulk-actions.ts';

/** The IDs that a URL names; none if it names no rows. */
export const tickedIn = (query: Parameters<typeof textIn>[0]): number[] =>
  textIn(query, 'ticked').split('.').slice(0, AT_ONCE).map(Number).filter(isId);

const isId = (id: number) => Number.isSafeInteger(id) && id > 0;

/** Adds rows to a URL that names none yet. More of them than a list ticks are left out. */
export function withTicked(href: string, ids: number[]): string {
  if (ids.length > AT_ONCE || /[?&]ticked=/.test(href)) return href;
  return `${href}${href.includes('?') ? '&' : '?'}ticked=${ids.join('.')}`;
}
