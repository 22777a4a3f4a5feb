// Callers of the API of account migrations: a shopper’s app, which sends its token, and Conversations (the older system
// that accounts move in from), which sends an API key.
import request, { type Test } from 'supertest';
import * as keys from '../../src/api/keys.ts';
import type { accountView } from '../../src/account-moves/api-view.ts';
import { name, run, select, sql } from '../../src/database/sql.ts';
import { useMovingWorld } from './conversations.ts';
import { beforeEach } from './hooks.ts';
import { useSite, type Site } from './people.ts';

export type AccountObject = ReturnType<typeof accountView>;

export type ApiCaller = {
  get(path: string): Test;
  post(path: string, body?: object): Test;
};

/** Makes a caller that sends a token or key with each request. */
export const callerWith = ({ app }: Pick<Site, 'app'>, bearer: string): ApiCaller => ({
  get: (path) => request(app).get(`/api/v1${path}`).set('Authorization', `Bearer ${bearer}`),
  post: (path, body) => {
    const post = request(app).post(`/api/v1${path}`).set('Authorization', `Bearer ${bearer}`);
    return body === undefined ? post : post.send(body);
  },
});

let made = 0;

/** Makes a caller with a new key that has these scopes, as an administrator creates one on the page of keys. */
export async function keyCaller(site: Site, scopes = ['account-moves']): Promise<ApiCaller> {
  made += 1;
  const wanted = { name: `Conversations ${made}`, scopes };
  return callerWith(site, await keys.create(site.here, 'ops@example.com', wanted));
}

/**
 * Prepares tests of the API of account migrations: adds the account `acme` to the older system (Conversations), and
 * makes two callers of the API: the shopper’s app of `acme`, and the older system with an API key.
 */
export function useAccountApi() {
  const { world, older } = useMovingWorld();
  const site = useSite(world, 'staging');
  const callers: { app?: ApiCaller; key?: ApiCaller } = {};
  const appOf = async (account: string) => callerWith(site, await older.shopperToken(account));
  beforeEach(async () => {
    older.accounts.clear();
    await older.add({ id: 'acme', messages: 12 });
    callers.app = await appOf('acme');
    callers.key = await keyCaller(site);
  });
  const called = (name: 'app' | 'key'): ApiCaller => ({
    get: (path) => ready(callers[name]).get(path),
    post: (path, body) => ready(callers[name]).post(path, body),
  });
  const key = called('key');
  return {
    world,
    older,
    site,
    /** Calls the API as the app of the account `acme`. */
    app: called('app'),
    key,
    /** Returns a caller that is the app of the given account. */
    appOf,
    /** Sets fields of an account’s migration directly in the database, as if the migration had run. */
    setMove: async (account: string, fields: Record<string, string | number | null>) => {
      await key.get(`/accounts?account_id=${account}`).expect(200);
      for (const [column, value] of Object.entries(fields)) {
        await run(
          world.staging.sql,
          sql`update account_move move join inbox_account account on account.id = move.account_id
                 set move.${name(column)} = ${value} where account.external_id = ${account}`,
        );
      }
    },
    jobs: () =>
      select<{ kind: string }>(
        world.staging.sql,
        sql`select kind from job where kind like 'move-%'`,
      ),
    /** Empties the databases during a test, and makes a new API key for the older system (Conversations). */
    clear: async () => {
      await world.clear();
      callers.key = await keyCaller(site);
    },
  };
}

function ready<T>(one: T | undefined): T {
  if (one === undefined) throw new Error('Callers exist only inside hooks and tests.');
  return one;
}

export const accountOf = (answer: { body: unknown }) => answer.body as AccountObject;
export const messageIn = (answer: { body: unknown }) =>
  (answer.body as { error: { message: string } }).error.message;
