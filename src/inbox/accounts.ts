// The accounts that have an inbox on this server. Each account has a number on this server, and an id in the older
// system Conversations, from which accounts are migrated.
import { first, run, sql, type Queryable } from '../database/sql.ts';

export type InboxAccount = { id: number; external_id: string; name: string; created_at: string };

/**
 * The format of the ids that accounts, threads and messages have in the older system Conversations, from which accounts
 * are migrated.
 */
export const EXTERNAL_ID = /^[\w.:@-]{1,64}$/;

export const byExternalId = (on: Queryable, externalId: string) =>
  EXTERNAL_ID.test(externalId)
    ? first<InboxAccount>(on, sql`select * from inbox_account where external_id = ${externalId}`)
    : Promise.resolve(undefined);

/** Adds an account unless this server already has it, and returns it. The name of an existing account is updated. */
export async function addAccount(
  on: Queryable,
  { externalId, name }: { externalId: string; name: string },
): Promise<InboxAccount> {
  // INSERT IGNORE takes only a shared lock on an existing account, so that other transactions that
  // refer to the account do not wait.
  await run(
    on,
    sql`insert ignore into inbox_account (external_id, name, created_at)
        values (${externalId}, ${name.slice(0, 200)}, utc_timestamp(3))`,
  );
  const account = await byExternalId(on, externalId);
  if (!account) throw new Error('The account was not recorded');
  if (name === '' || account.name === name) return account;
  await run(
    on,
    sql`update inbox_account set name = ${name.slice(0, 200)} where id = ${account.id}`,
  );
  return { ...account, name };
}
