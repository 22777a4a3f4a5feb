// The rows that are ticked on a list are in its URL: `ticked=12.15` for the rows with the IDs 12 and 15. When a person
// comes back to the list after an action, the list ticks these rows again. The URL that exports ticked rows has the
// same parameter.
import { textIn } from '../web/request.ts';
import { AT_ONCE } from './bulk-actions.ts';

/** Returns the IDs of the ticked rows that a URL names; an empty list if the URL names none. */
export const tickedIn = (query: Parameters<typeof textIn>[0]): number[] =>
  textIn(query, 'ticked').split('.').slice(0, AT_ONCE).map(Number).filter(isId);

const isId = (id: number) => Number.isSafeInteger(id) && id > 0;

/**
 * Adds the IDs of ticked rows to a URL that names none yet. If there are more rows than a list can tick, the URL stays
 * unchanged.
 */
export function withTicked(href: string, ids: number[]): string {
  if (ids.length > AT_ONCE || /[?&]ticked=/.test(href)) return href;
  return `${href}${href.includes('?') ? '&' : '?'}ticked=${ids.join('.')}`;
}
