// Sends every route random and hostile requests, which no page of Oneway sends, and checks that none causes a server
// error. FUZZ_SEED repeats a run; FUZZ_REQUESTS sets the number of random requests.
import { beforeAll, expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalog } from '../../src/catalog/index.ts';
import { openRedis } from '../../src/environments/redis.ts';
import { openSignIn } from '../../src/people/sign-in.ts';
import { isForm } from '../../src/web/form/body.ts';
import { routes, type Route } from '../../src/routes.ts';
import { useSite, type Client } from '../support/people.ts';
import {
  inParts,
  randomFrom,
  strangeNames,
  strangeTexts,
  type Random,
} from '../support/requests.ts';
import { add, sheet, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 1000);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'staging');
const clients: Record<string, Client> = {};
let all: Route[];
const known: Record<string, string[]> = {};

beforeAll(async () => {
  const redis = await openRedis(world.staging);
  all = routes(openSignIn(world.staging, redis));
  redis.destroy();
  const { staging } = world;
  const business = await add(staging, 'business');
  const task = await add(staging, 'task', { business });
  const form = await add(staging, 'form');
  const sent = await transfer(staging, [{ entity: 'task', id: task }]);
  const { selection } = await sheet(staging, [{ entity: 'form', id: form }]);
  known['entity'] = [...catalog.map(({ name }) => name), 'task', 'form', 'business'];
  known['id'] = [String(task), String(form), selection.id];
  known['number'] = ['1', '2'];
  known['transfer'] = [sent.id];
  for (const role of ['pm', 'ops', 'vic']) clients[role] = await site.as(role);
  clients['stranger'] = await site.as(null);
});

/**
 * The names of all form fields and URL parameters that handlers read, collected from the source
 * code.
 */
const askedFor = [
  ...new Set(
    (readdirSync('src', { recursive: true }) as string[])
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...readFileSync(join('src', file), 'utf8').matchAll(
          /(?:form\.\w+|textIn|lists)\((?:req\.query, |query, )?'([a-zA-Z_]+)'/g,
        ),
      ])
      .map(([, name = '']) => name),
  ),
];
const fieldNames = [...new Set(catalog.flatMap(({ fields }) => Object.keys(fields)))];

/** Returns a URL for a route: mostly of an existing row, sometimes with impossible values. */
const addressOf = (random: Random, { path }: Route) =>
  path
    .replace(/\{(.*)\}/, random.below(2) === 0 ? '$1' : '')
    .replaceAll(/:(\w+)/g, (_all, name: string) =>
      encodeURIComponent(
        random.pick(random.below(4) > 0 ? (known[name] ?? ['1']) : strangeTexts) || '1',
      ),
    );

function entriesOf(random: Random, names: string[]): [string, string][] {
  return Array.from({ length: random.below(12) }, () => {
    const name = random.pick(names);
    return [
      random.below(3) > 0 ? name : random.pick(strangeNames(name)),
      random.pick(strangeTexts),
    ] as [string, string];
  });
}

type Sent = { line: string; status: number; ms: number; text: string };

async function send(
  client: Client,
  route: Route,
  address: string,
  entries: [string, string][],
  isParts: boolean,
): Promise<Sent> {
  const began = performance.now();
  const query = new URLSearchParams(entries).toString();
  const line = `${route.method} ${address} ${isParts ? 'parts ' : ''}${query.slice(0, 1500)}`;
  const asked =
    route.method === 'get'
      ? client.get(`${address}?${query}`)
      : client.postRaw(
          address,
          isParts ? 'multipart/form-data; boundary=x-x-x' : 'application/x-www-form-urlencoded',
          isParts ? inParts(entries) : query,
        );
  const { status, text } = await asked.timeout(10_000);
  return { line, status, ms: performance.now() - began, text };
}

/**
 * Whether a route gets requests. Routes that end the session, change permissions or keep a stream
 * open are left out.
 */
const isTried = ({ path }: Route) =>
  !['/sign-out', '/sign-in', '/jobs/:number/events', '/readyz'].includes(path) &&
  !path.startsWith('/people/:id') &&
  !path.includes('single') &&
  path !== '/sign-in/callback';

test(
  'random requests to any route are never answered with a 5xx status (B6)',
  async () => {
    console.log(`FUZZ_SEED=${seed} FUZZ_REQUESTS=${REQUESTS}`);
    const random = randomFrom(seed);
    const tokens = new Map<string, string>();
    for (const [role, client] of Object.entries(clients)) tokens.set(role, await client.token());
    const tried = all.filter(isTried);
    const wrong: string[] = [];
    const answers = new Map<number, number>();
    for (let n = 0; n < REQUESTS; n += 1) {
      const route = random.pick(tried);
      const role = random.pick(['pm', 'pm', 'pm', 'ops', 'vic', 'stranger']);
      const names = random.below(2) === 0 ? fieldNames : askedFor;
      const csrf: [string, string] = ['csrf', tokens.get(role) ?? ''];
      const entries = entriesOf(random, names);
      if (route.method === 'post' && random.below(20) > 0) entries.unshift(csrf);
      const isParts = route.body.kind === 'image' && random.below(2) === 0;
      const sent = await send(
        clients[role] as Client,
        route,
        addressOf(random, route),
        entries,
        isParts,
      );
      answers.set(sent.status, (answers.get(sent.status) ?? 0) + 1);
      if (sent.status >= 500) wrong.push(`${sent.status} ${role} ${sent.line}`);
    }
    console.log(Object.fromEntries(answers));
    expect(wrong).toEqual([]);
  },
  30_000 + REQUESTS * 300,
);

const NUL = 'a\0b\0'.repeat(20);
const hostile: Record<string, (names: string[], most: number) => [string, string][]> = {
  'as arrays': (names) =>
    names.flatMap((name) => [`${name}[]`, `${name}[0]`].map((one) => [one, 'x'])),
  'as objects': (names) => names.map((name) => [`${name}[a][b]`, 'x']),
  twice: (names) => [...names, ...names].map((name, n) => [name, String(n)]),
  'with NULs': (names) => names.map((name) => [name, NUL]),
  'with half emojis': (names) => names.map((name) => [name, '\u{D83D}']),
  'with long texts': (names) => names.slice(0, 30).map((name) => [name, 'x'.repeat(1500)]),
  'as JSON': (names) => names.map((name) => [name, '{"__proto__":{"x":[1e400]},"a":[null]}']),
  'as huge lists': (names, most) =>
    Array.from({ length: Math.min(most, 5000) - 2 }, (_, n) => [
      names[n % names.length] ?? '',
      `task:${n + 1}`,
    ]),
};

test.each(Object.keys(hostile))(
  'every form handles field values posted %s without a server error (B6, B7)',
  async (how) => {
    const pm = clients['pm'] as Client;
    const ops = clients['ops'] as Client;
    const wrong: string[] = [];
    for (const route of all.filter((one) => one.method === 'post' && isTried(one))) {
      if (!isForm(route.body)) continue;
      const client = /people|keys|account/.test(route.path) ? ops : pm;
      const names = route.path.startsWith('/catalog') ? [...fieldNames, ...askedFor] : askedFor;
      const room = route.body.fields - 2;
      const entries = hostile[how]?.(names.slice(0, room), route.body.fields) ?? [];
      const posted: [string, string][] = [
        ['csrf', await client.token()],
        ...entries.slice(0, room),
      ];
      const sent = await send(client, route, addressOf(randomFrom(2), route), posted, false);
      if (sent.status >= 500) wrong.push(`${sent.status} ${sent.line}`);
    }
    expect(wrong).toEqual([]);
  },
  180_000,
);

test('form fields posted as parts of objects or arrays, or twice, cause no server error in any form (B6)', async () => {
  const pm = clients['pm'] as Client;
  const csrf = await pm.token();
  const wrong: string[] = [];
  for (const route of all.filter((one) => one.method === 'post' && isTried(one))) {
    const names = route.path.startsWith('/catalog') ? [...fieldNames, ...askedFor] : askedFor;
    const address = addressOf(randomFrom(1), route);
    for (const shape of ['[toString]', '[a]', '[0][city][x]', '[49999999]', '']) {
      for (const text of shape === ''
        ? ['__proto__/x', 'NaN', '\u{1F600}', 'x'.repeat(65)]
        : ['x']) {
        const entries = names.map((name): [string, string] => [`${name}${shape}`, text]);
        const twice = shape === '' ? [...entries, ...entries] : entries;
        const sent = await send(pm, route, address, [['csrf', csrf], ...twice], false);
        if (sent.status >= 500 || sent.ms > 2000)
          wrong.push(`${sent.status} ${Math.round(sent.ms)} ms ${sent.line}`);
      }
    }
  }
  expect(wrong).toEqual([]);
}, 180_000);
