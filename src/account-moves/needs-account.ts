// Authenticates callers of the account migration API: an app with the token of its account, or a program with an API
// key.
import type { NextFunction, Request, Response } from 'express';
import { bearerIn, countWrongBearers, holderOf, WrongBearer } from '../access/bearer.ts';
import { ACCOUNT_MOVES, LacksScope, needScope } from '../access/scopes.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { needMoves } from '../inbox/account-address.ts';
import type { AccountCaller } from '../web/request.ts';
import { openTokens, type AccountTokens } from './tokens.ts';

/**
 * Returns the middleware that authenticates the caller. Wrong keys and tokens are counted by IP
 * address and limited. A valid key or token always works, because many apps may share one address.
 */
export function needAccount(here: App, redis: Redis) {
  const { moves } = here.settings;
  const countWrong = countWrongBearers(here, redis);
  const tokens = moves?.tokens ? openTokens(moves.tokens) : null;
  return async function needAccount(req: Request, res: Response, next: NextFunction) {
    needMoves(here);
    try {
      req.caller = await callerOf(here, tokens, bearerIn(req.get('Authorization')));
    } catch (error) {
      if (error instanceof WrongBearer) {
        await countWrong(req, error);
        res.set('WWW-Authenticate', error.challenge);
      } else if (error instanceof LacksScope) {
        res.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${error.scope}"`);
      }
      throw error;
    }
    next();
  };
}

/**
 * Whether the caller sent no key, or an unknown one. The caller may be an app without a valid
 * token, so the error message then explains tokens and keys.
 */
const isUnclear = ({ reason }: WrongBearer) => reason === 'missing' || reason === 'unknown';

const withBoth = ({ reason, kind }: WrongBearer) =>
  new WrongBearer(
    { reason, kind },
    `An app sends the token of its shopper, "Authorization: Bearer eyJ…"; Conversations a key with the scope ${ACCOUNT_MOVES}, "Authorization: Bearer ow_…". What was sent is neither.`,
  );

/** Finds out who calls. An app’s token contains dots, an API key contains none. */
async function callerOf(
  here: App,
  tokens: AccountTokens | null,
  bearer: string,
): Promise<AccountCaller> {
  if (tokens && bearer.includes('.')) {
    return { kind: 'app', account: await tokens.accountOf(bearer) };
  }
  const holder = await holderOf(here.sql, bearer).catch((error: unknown) => {
    throw error instanceof WrongBearer && isUnclear(error) ? withBoth(error) : error;
  });
  needScope(holder, ACCOUNT_MOVES);
  return { kind: 'key', name: holder.name };
}
