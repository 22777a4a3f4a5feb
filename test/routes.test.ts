// Compares the list of routes with a table of permissions, for every role in every environment.
import { beforeAll, describe, expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { isForPrograms, type Allow, type ForPrograms } from '../src/access/guard.ts';
import { routes, type Route } from '../src/routes.ts';
import { openSignIn } from '../src/people/sign-in.ts';
import { openRedis } from '../src/environments/redis.ts';
import { cast, openSite, type Client } from './support/people.ts';
import { useWorld } from './support/world.ts';

type Name = 'staging' | 'preprod' | 'production';

/** What each role may open and do in each environment, written by hand. */
const table: Record<
  Exclude<Allow, 'anyone' | 'signed-in' | ForPrograms>,
  Record<Name, string[]>
> = {
  look: {
    staging: ['pm', 'ed', 'vic', 'ops', 'oncall', 'sam', 'dana', 'mia'],
    preprod: ['pm', 'ed', 'vic', 'ops', 'oncall', 'sam', 'dana', 'mia'],
    production: ['pm', 'ed', 'vic', 'ops', 'oncall', 'sam', 'dana', 'mia'],
  },
  edit: { staging: ['pm', 'ed'], preprod: [], production: [] },
  transfer: { staging: ['pm'], preprod: ['pm'], production: [] },
  undo: { staging: ['pm', 'oncall'], preprod: ['pm', 'oncall'], production: [] },
  settle: { staging: ['pm', 'oncall'], preprod: ['pm', 'oncall'], production: ['oncall'] },
  restore: { staging: ['pm'], preprod: [], production: [] },
  'take-over': { staging: ['pm'], preprod: [], production: [] },
  refresh: { staging: ['pm', 'ops'], preprod: ['pm', 'ops'], production: [] },
  judge: {
    staging: [],
    preprod: ['pm', 'ed', 'vic', 'ops', 'oncall', 'sam', 'dana', 'mia'],
    production: [],
  },
  administer: { staging: ['ops'], preprod: ['ops'], production: ['ops'] },
  'run-staging': { staging: ['sam'], preprod: ['sam'], production: ['sam'] },
  'manage-data': { staging: ['dana'], preprod: ['dana'], production: ['dana'] },
  'move-accounts': { staging: ['mia'], preprod: ['mia'], production: ['mia'] },
  'read-inbox': { staging: ['mia'], preprod: ['mia'], production: ['mia'] },
};

const filled: Record<string, string> = {
  entity: 'task',
  id: '1',
  // No job with this number is running. The event stream of a running job would stay open.
  number: '999999',
  transfer: '0192f0c0-0000-7000-8000-000000000000',
  name: `${'0'.repeat(64)}.png`,
  tool: 'add_form',
};
const addressOf = ({ path }: Route) =>
  path.replace(/\{.*\}/, '').replaceAll(/:(\w+)/g, (_all, name: string) => filled[name] ?? '1');

const world = useWorld({ cleared: 'once' });
let all: Route[];
beforeAll(async () => {
  const redis = await openRedis(world.staging);
  all = routes(openSignIn(world.staging, redis));
  redis.destroy();
});

const ask = async (client: Client, { method }: Route, address: string, csrf: string) =>
  method === 'get'
    ? client.get(address)
    : client.postRaw(address, 'application/x-www-form-urlencoded', `csrf=${csrf}`);

describe.each(['staging', 'preprod', 'production'] as const)('access to routes in %s', (name) => {
  test.each(Object.keys(cast))(
    'S0-11 S0-12 S0-13 S0-16 S0-17 S0-21 the test user %s reaches exactly the URLs that their permissions allow',
    async (role) => {
      const site = await openSite(world, name);
      const client = await site.as(role);
      const csrf = await client.token();
      for (const route of all) {
        if (
          route.allow !== 'anyone' &&
          route.allow !== 'signed-in' &&
          !isForPrograms(route.allow)
        ) {
          const { status } = await ask(client, route, addressOf(route), csrf);
          const isAllowed = table[route.allow][name].includes(role);
          const line = `${role} ${route.method} ${route.path} in ${name}: ${status}`;
          expect([line, status !== 403]).toEqual([line, isAllowed]);
          expect([line, status < 500]).toEqual([line, true]);
        }
      }
      await site.close();
    },
  );

  test('GET and POST requests of visitors who are not signed in are redirected to the sign-in page', async () => {
    const site = await openSite(world, name);
    const stranger = await site.as(null);
    const csrf = await stranger.token();
    for (const route of all.filter(({ allow }) => allow !== 'anyone' && !isForPrograms(allow))) {
      const answer = await ask(stranger, route, addressOf(route), csrf);
      const line = `${route.method} ${route.path}`;
      if (route.method === 'get') {
        expect([line, answer.status, answer.headers['location']]).toEqual([line, 303, '/sign-in']);
      } else {
        expect([line, answer.status, answer.headers['location']]).toEqual([line, 303, '/sign-in']);
      }
    }
    await site.close();
  });
});

test('request handlers have no third parameter, because Express would pass the function next() in it', () => {
  const wrong = all.filter(({ handler }) => handler.length > 2 || /=>|\(/.test(handler.name));
  expect(wrong.map(({ path }) => path)).toEqual([]);
  const pages = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('pages.ts') || file.endsWith('-page.ts'))
    .filter((file) =>
      /\(req: Request, res: Response, \w+ = /.test(readFileSync(`src/${file}`, 'utf8')),
    );
  expect(pages).toEqual([]);
});

test('no two routes have the same method and path, and only the listed routes are open to everyone', () => {
  const lines = all.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(lines).size).toBe(lines.length);
  expect(all.filter(({ allow }) => allow === 'anyone').map(({ path }) => path)).toEqual([
    '/healthcheck',
    '/readyz',
    '/api/v1/metadata',
    '/api/v1/openapi.json',
    '/sign-in',
    '/sign-in',
    '/sign-in/single',
    '/sign-in/callback',
    '/sign-out',
    '/password-reset',
    '/password-reset',
    '/invitation',
    '/invitation',
    '/theme',
  ]);
});
