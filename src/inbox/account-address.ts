// Converts between a customer’s account and the part of a page’s URL that names the account.
import { first, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { NotFound } from '../problems.ts';
import { byExternalId, type InboxAccount } from './accounts.ts';

/**
 * Account ids that cannot be used in a URL such as `/account-moves/<id>`: browsers resolve `.` and `..`, and
 * `/account-moves/waves` is another page.
 */
const UNFIT = /^(?:\.{1,2}|waves)$/;

/**
 * Returns the part of a URL that names an account: the account’s id, or `~` and its number if the
 * id cannot be used in a URL.
 */
export const pathPartOf = ({
  id,
  external_id: externalId,
}: Pick<InboxAccount, 'id' | 'external_id'>) =>
  UNFIT.test(externalId) ? `~${id}` : encodeURIComponent(externalId);

/** Finds the account that a part of a URL names; undefined if there is none. */
const accountAt = (on: Queryable, part: string): Promise<InboxAccount | undefined> =>
  /^~[1-9]\d{0,9}$/.test(part)
    ? first<InboxAccount>(on, sql`select * from inbox_account where id = ${Number(part.slice(1))}`)
    : byExternalId(on, part);

/**
 * Returns the settings for migrating accounts from the older system Conversations to Oneway.
 * @throws NotFound when the settings do not name the older system
 */
export function needMoves({ settings: { moves } }: App) {
  if (moves === null) {
    throw new NotFound('Accounts are not migrated here: CONVERSATIONS_URL is not set.');
  }
  return moves;
}

/**
 * Finds the account that a part of a page’s URL names.
 * @throws NotFound when there is no such account
 */
export async function addressedAccount(here: App, part: string): Promise<InboxAccount> {
  needMoves(here);
  const account = await accountAt(here.sql, part);
  if (!account) throw new NotFound(`There is no account ${part.slice(0, 64)} here.`);
  return account;
}
