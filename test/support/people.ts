// People with different permissions, who sign in through the real pages. For example pm is a product manager, ed an
// editor, ops an administrator, and vic may only view.
import { argon2Sync, randomBytes } from 'node:crypto';
import { beforeAll, beforeEach } from './hooks.ts';
import request, { type Test } from 'supertest';
import type { Express } from 'express';
import type { Permission } from '../../src/access/permissions.ts';
import { createApp } from '../../src/app.ts';
import { run, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { openRedis, type Redis } from '../../src/environments/redis.ts';
import * as people from '../../src/people/people.ts';
import { settingsOf, type World } from './world.ts';

export const password = 'correct horse battery';

/**
 * The hash of the test password, made with the least cost so that sign-ins are fast. The hash contains its cost, so the
 * server checks the password with that cost.
 */
const passwordHash = cheaplyHashed(password);

function cheaplyHashed(message: string): string {
  const nonce = randomBytes(16);
  const cost = { memory: 8, passes: 1, parallelism: 1, tagLength: 32 };
  const tag = argon2Sync('argon2id', { ...cost, message, nonce });
  return `$argon2id$m=8,t=1,p=1$${nonce.toString('base64url')}$${tag.toString('base64url')}`;
}

export const cast: Record<string, Permission[]> = {
  pm: ['product_manager'],
  ed: ['editor'],
  vic: [],
  ops: ['administrator'],
  oncall: ['on_call'],
  sam: ['run_staging'],
  dana: ['data_manager'],
  mia: ['account_moves'],
};
export type Role = keyof typeof cast;

type Body = Record<string, unknown>;

/** An HTTP client that keeps cookies and adds the CSRF token of the pages. */
export type Client = {
  get(path: string): Test;
  post(path: string, body?: Body): Promise<Awaited<Test>>;
  /** Posts exactly these bytes, with the headers that a page of Oneway would send. */
  postRaw(path: string, type: string, body: string | Buffer): Test;
  /** Reads the CSRF token from a page of the site. */
  token(): Promise<string>;
  /** Posts from another site, without the CSRF token. */
  forge(path: string, body?: Body): Test;
};

export type Site = {
  app: Express;
  here: App;
  redis: Redis;
  as(role: Role | null): Promise<Client>;
  close(): Promise<void>;
};

type Name = 'staging' | 'preprod' | 'production';

/** Opens the site of one environment for all tests of a file, and closes it together with the test environments. */
export function useSite(world: World, name: Name, also: Record<string, string> = {}): Site {
  let site: Site | undefined;
  const opened = () => {
    if (!site) throw new Error('The site is open only inside hooks and tests.');
    return site;
  };
  beforeAll(async () => {
    site = await openSite(world, name, also);
  });
  return {
    get app() {
      return opened().app;
    },
    get here() {
      return opened().here;
    },
    get redis() {
      return opened().redis;
    },
    as: (role) => opened().as(role),
    close: () => opened().close(),
  };
}

/** Returns a client that signs in before each test. */
export function useClient(site: Site, role: Role): Client {
  let client: Client | undefined;
  const signedIn = () => {
    if (!client) throw new Error(`${role} is signed in only inside hooks and tests.`);
    return client;
  };
  beforeEach(async () => {
    client = await site.as(role);
  });
  return {
    get: (path) => signedIn().get(path),
    post: (path, body) => signedIn().post(path, body),
    postRaw: (path, type, body) => signedIn().postRaw(path, type, body),
    token: () => signedIn().token(),
    forge: (path, body) => signedIn().forge(path, body),
  };
}

/** Opens the site of one environment. `also`: additional settings. */
export async function openSite(
  world: World,
  name: Name,
  also: Record<string, string> = {},
): Promise<Site> {
  const here =
    Object.keys(also).length > 0 ? openApp(settingsOf(world.variables[name], also)) : world[name];
  const redis: Redis = await openRedis(here);
  const app = createApp(here, redis);
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    redis.destroy();
    if (here !== world[name]) await here.close();
  };
  world.onClose(close);
  return {
    app,
    here,
    redis,
    as: async (role) => {
      if (role !== null) await hire(here, role);
      const client = clientOf(app);
      if (role !== null) await client.post('/sign-in', { email: `${role}@example.com`, password });
      return client;
    },
    close,
  };
}

/** Adds a person with the permissions of a role. In production nobody may transfer: there `pm` may only view. */
export async function hire(here: App, role: string) {
  const email = `${role}@example.com`;
  const known = (await people.list(here.sql)).find((person) => person.email === email);
  const id = known?.id ?? (await people.add(here, 'test', { name: role, email }));
  if (!known) {
    await run(here.sql, sql`update person set password_hash = ${passwordHash} where id = ${id}`);
  }
  const may = (cast[role] ?? []).filter(
    (one) => one !== 'product_manager' || here.name !== 'production',
  );
  await people.setPermissions(here, here.setup, 'test', id, may);
}

function clientOf(app: Express): Client {
  const agent = request.agent(app);
  const token = async () => {
    const page = await agent.get('/sign-in').redirects(1);
    return /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  };
  return {
    get: (path) => agent.get(path),
    post: async (path, body = {}) => {
      // The token is fetched first, because supertest attaches cookies when the request is created.
      const csrf = await token();
      const post = agent.post(path).type('form').set('Sec-Fetch-Site', 'same-origin');
      return post.send({ ...body, csrf });
    },
    postRaw: (path, type, body) =>
      agent.post(path).set('Sec-Fetch-Site', 'same-origin').set('Content-Type', type).send(body),
    token,
    forge: (path, body = {}) =>
      agent.post(path).type('form').set('Sec-Fetch-Site', 'cross-site').send(body),
  };
}

/** Reads from the HTML of a transfer sheet the codes of the problems for which a click on its button was refused. */
export const refusalsOn = (html: string): string[] =>
  / data-reasons="([^"]+)"/.exec(html)?.[1]?.split(' ') ?? [];

/** Returns the visible text of a page, without markup. */
export const textOf = (html: string): string =>
  html
    .replace(/^.*<main/s, '<main')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** Returns the header that sets a cookie; empty when the answer does not set the cookie. */
export const cookieOf = ({ headers }: { headers: Record<string, unknown> }, name: string): string =>
  [headers['set-cookie'] ?? []]
    .flat()
    .map(String)
    .find((line) => line.startsWith(`${name}=`)) ?? '';
