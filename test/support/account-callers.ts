// Callers of the API of accounts: the app of a shopper, and Conversations with its key.
import request, { type Test } from 'supertest';
import * as keys from '../../src/api/keys.ts';
import type { accountView } from '../../src/account-moves/api-view.ts';
import type { Site } from './people.ts';

export type AccountObject = ReturnType<typeof accountView>;

export type ApiCaller = {
  get(path: string): Test;
  post(path: string, body?: object): Test;
};

/** A caller that sends a token or key with each request. */
export const callerWith = ({ app }: Pick<Site, 'app'>, bearer: string): ApiCaller => ({
  get: (path) => request(app).get(`/api/v1${path}`).set('Authorization', `Bearer ${bearer}`),
  post: (path, body) => {
    const post = request(app).post(`/api/v1${path}`).set('Authorization', `Bearer ${bearer}`);
    return body === undefined ? post : post.send(body);
  },
});

let made = 0;

/** A caller with a new key that has these scopes, as they are chosen on the page of keys. */
export async function keyCaller(site: Site, scopes = ['account-moves']): Promise<ApiCaller> {
  made += 1;
  const wanted = { name: `Conversations ${made}`, scopes };
  return callerWith(site, await keys.create(site.here, 'ops@example.com', wanted));
}
