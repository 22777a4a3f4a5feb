// How URLs of pages name an account.
import { first, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { NotFound } from '../problems.ts';
import { byExternalId, type InboxAccount } from './accounts.ts';

/** Ids that cannot stand in a URL: browsers resolve dots, and `waves` is a page of its own. */
const UNFIT = /^(?:\.{1,2}|waves)$/;

/** The part of a URL that names an account: its id, or `~` and its number where the id cannot stand there. */
export const pathPartOf = ({
  id,
  external_id: externalId,
}: Pick<InboxAccount, 'id' | 'external_id'>) =>
  UNFIT.test(externalId) ? `~${id}` : encodeURIComponent(externalId);

/** The account that a part of a URL names; undefined when there is none. */
const accountAt = (on: Queryable, part: string): Promise<InboxAccount | undefined> =>
  /^~[1-9]\d{0,9}$/.test(part)
    ? first<InboxAccount>(on, sql`select * from inbox_account where id = ${Number(part.slice(1))}`)
    : byExternalId(on, part);

/**
 * The settings of account migrations.
 * @throws NotFound where no older system is set
 */
export function needMoves({ settings: { moves } }: App) {
  if (moves === null) {
    throw new NotFound('Accounts are not migrated here: CONVERSATIONS_URL is not set.');
  }
  return moves;
}

/**
 * The account that a part of the page’s URL names.
 * @throws NotFound when there is none
 */
export async function addressedAccount(here: App, part: string): Promise<InboxAccount> {
  needMoves(here);
  const account = await accountAt(here.sql, part);
  if (!account) throw new NotFound(`There is no account ${part.slice(0, 64)} here.`);
  return account;
}
