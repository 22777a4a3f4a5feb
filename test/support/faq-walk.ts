// Tests a new entity (FAQ) in a copy of the project, as people, apps and operators would use it.
// test/catalog/faq.test.ts adds the entity to the copy and runs this file there with vitest. Each test builds on the
// tests before it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import request from 'supertest';
import { createConnection } from 'mysql2/promise';
import { dropEnvironments, prepareEnvironments, settingsOf } from '../../bin/databases.ts';
import * as keys from '../../src/api/keys.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { ladder } from '../../src/environments/rules.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { requestRefresh } from '../../src/refresh/job.ts';
import { parseSettings } from '../../src/settings.ts';
import { tasks } from '../../src/tasks.ts';
import { surroundings } from './left-behind.ts';
import { openSite, textOf, type Client, type Site } from './people.ts';
import { add, get, has, pm, sheet, transfer } from './rows.ts';
import { servers, type EnvironmentOf, type World } from './world.ts';

type Variables = Record<string, string>;

const prefix = `faq${process.env['VITEST_POOL_ID'] ?? '0'}`;
const storage = (environment: string) => resolve('objects', environment);

let world: World;
let site: Site;
let client: Client;
const key = { entity: 'faq', id: 0 };
const create = ['city:Pune'];

function oneway(words: string[], variables: Variables = {}): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['src/commands/oneway.ts', ...words],
    { env: { ...surroundings(), ...variables }, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`oneway ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Grants the users of the environments exactly the rights that the command `oneway db grants` prints for them. */
async function grant() {
  const root = await createConnection({ uri: servers().mysql.href });
  for (const environment of ladder) {
    const printed = oneway(['db', 'grants', `${prefix}_${environment}`]);
    const limited = printed.match(/^GRANT .*_(app|arrivals|reader)'@'%';$/gm) ?? [];
    for (const line of limited) await root.query(line);
  }
  await root.end();
}

/** Opens the three environments with database users that have only the rights from `oneway db grants`. */
function openLimited(): World {
  const variables = settingsOf(servers(), prefix, storage, 'app');
  for (const one of Object.values(variables)) {
    Object.assign(one, { REDIS_URL: `${servers().redis.href}/9`, LOG_LEVEL: 'error' });
  }
  const open = (name: keyof EnvironmentOf<App>) => openApp(parseSettings(variables[name]));
  return {
    staging: open('staging'),
    preprod: open('preprod'),
    production: open('production'),
    variables,
    clear: async () => {},
    onClose: () => {},
    close: async () => {},
  };
}

beforeAll(async () => {
  await dropEnvironments(servers(), prefix);
  const owners: EnvironmentOf<Variables> = await prepareEnvironments(servers(), prefix, storage);
  for (const variables of Object.values(owners)) oneway(['db', 'migrate'], variables);
  await grant();
  world = openLimited();
  site = await openSite(world, 'staging');
  client = await site.as('pm');
  await add(world.staging, 'city', { name: 'Pune' });
});
afterAll(async () => {
  await site.close();
  for (const here of [world.staging, world.preprod, world.production]) await here.close();
  await dropEnvironments(servers(), prefix);
});

test('a newly declared entity is listed', async () => {
  expect(textOf((await client.get('/catalog/faq').expect(200)).text)).toContain('FAQs');
});

test('a row of a newly declared entity is added', async () => {
  const form = (await client.get('/catalog/faq/new').expect(200)).text;
  for (const name of ['question', 'answer', 'business', 'cities[0][city]', 'cities[0][partner]']) {
    expect(form).toContain(`name="${name}"`);
  }
  const refused = await client.post('/catalog/faq', { question: '' });
  expect([refused.status, textOf(refused.text)]).toEqual([
    422,
    expect.stringContaining('Enter a question'),
  ]);
  const typed = { question: 'Is it free?', answer: 'Yes.', 'cities[0][city]': 'Pune' };
  const added = await client.post('/catalog/faq', { ...typed, active: 'yes' });
  expect(added.status).toBe(303);
  key.id = Number(added.headers['location']?.split('/').at(-1));
});

test('a row of a newly declared entity is edited, with its history', async () => {
  const typed = { question: 'Is it free?', answer: 'No.', 'cities[0][city]': 'Pune', version: 1 };
  expect((await client.post(`/catalog/faq/${key.id}`, typed)).status).toBe(303);
  expect(await get(world.staging, key)).toMatchObject({
    question: 'Is it free?',
    answer: 'No.',
    active: false,
    business: null,
    cities: [{ city: 'Pune', partner: null }],
  });
  for (const path of ['', '/history'])
    await client.get(`/catalog/faq/${key.id}${path}`).expect(200);
});

test('a row of a newly declared entity is transferred to pre-production and on to production', async () => {
  const { selection } = await sheet(world.staging, [key], { create });
  const reviewed = await client.get(`/selections/${selection.id}`).expect(200);
  expect(textOf(reviewed.text)).toContain('Is it free?');
  for (const here of [world.staging, world.preprod]) {
    expect((await transfer(here, [key], { create })).state).toBe('verified');
  }
  const { modified_at: _then, ...sent } = await get(world.staging, key);
  expect(await get(world.production, key)).toMatchObject(sent);
});

test('a row of a newly declared entity is refreshed from production', async () => {
  const above = await add(world.production, 'faq', { question: 'Asked in production' });
  const { job } = await requestRefresh(world.staging, pm.email, false);
  expect(await runJob(world.staging, tasks, job.id)).toMatchObject({ state: 'done' });
  expect(await has(world.staging, { entity: 'faq', id: above })).toBe(true);
});

test('a row of a newly declared entity is served to apps', async () => {
  const production = await openSite(world, 'production');
  const token = await keys.create(world.production, pm.email, { name: 'App', scopes: ['faq'] });
  const ask = async (path: string) =>
    (await request(production.app).get(path).set('Authorization', `Bearer ${token}`).expect(200))
      .body as unknown;
  expect(await ask('/api/v1/faq')).toMatchObject({
    items: [{ question: 'Is it free?' }, { question: 'Asked in production' }],
  });
  expect(await ask(`/api/v1/faq/${key.id}`)).toMatchObject({
    cities: [{ city: 'Pune', partner: null }],
  });
  expect(await ask('/api/v1/openapi.json')).toHaveProperty('paths./api/v1/faq');
  await production.close();
});

test('a row of a newly declared entity is deleted, and the deletion is transferred', async () => {
  const address = `/catalog/faq/${key.id}/deletion`;
  const shown = (await client.get(address).expect(200)).text;
  const [, seen = ''] = /name="seen" value="([^"]+)"/.exec(shown) ?? [];
  expect((await client.post(address, { seen })).status).toBe(303);
  expect(await has(world.staging, key)).toBe(false);
  expect((await transfer(world.staging, [key])).state).toBe('verified');
  expect(await has(world.preprod, key)).toBe(false);
});
