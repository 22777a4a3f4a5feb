// Decides which accounts a caller of the API may access: an app only the account that its token names, a program with
// an API key every account.
import type { Request } from 'express';
import { NotFound } from '../problems.ts';
import type { AccountCaller } from '../web/request.ts';
import { byExternalId, EXTERNAL_ID, type InboxAccount } from './accounts.ts';

/** Returns the authenticated caller of a request to the account API. */
export function callerOf(req: Request): AccountCaller {
  if (!req.caller) throw new Error(`Nobody was admitted at ${req.path}`);
  return req.caller;
}

const noAccount = (id: string) => new NotFound(`There is no account ${id.slice(0, 64)}.`);

/**
 * Returns the id if the caller may access that account.
 * @throws NotFound for any other account, whether it exists or not
 */
export function reached(req: Request, id: string): string {
  const caller = callerOf(req);
  const isReached = EXTERNAL_ID.test(id) && (caller.kind === 'key' || caller.account === id);
  if (!isReached) throw noAccount(id);
  return id;
}

/**
 * Finds the account that the URL names.
 * @throws NotFound when the account does not exist or the caller may not access it
 */
export async function reachedAccount(req: Request): Promise<InboxAccount> {
  const id = reached(req, String(req.params['id']));
  const account = await byExternalId(req.here.sql, id);
  if (!account) throw noAccount(id);
  return account;
}
