// Tests the pages on which people in production order staging databases.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { first, sql } from '../../src/database/sql.ts';
import * as environments from '../../src/staging/environments.ts';
import * as stagingJobs from '../../src/staging/staging-jobs.ts';
import { openSite, textOf, type Client, type Site } from '../support/people.ts';
import { client, useCopies } from '../support/staging.ts';

const world = useCopies();
let site: Site;
let ops: Client;
let sam: Client;
const token = 'the token of staging, just as it stands there';
const lab = { name: 'Lab', url: 'localhost:8069', client: 'cosmos', level: 'lab', token };

beforeAll(async () => {
  site = await openSite(world, 'production');
});
afterAll(() => site.close());
beforeEach(async () => {
  ops = await site.as('ops');
  sam = await site.as('sam');
});

const lastPart = (location: unknown) => Number(String(location).split('/').at(-1));
const addLab = () => environments.add(site.here, 'ops@example.com', lab);

describe('the pages on which staging environments (servers that make staging databases) are added and changed', () => {
  test('S1-20 S1-21 S1-22 S1-23 S1-24 S1-25 an administrator adds a staging environment, and the token for its server is stored encrypted and never shown again', async () => {
    const added = await ops.post('/staging/environments', lab);
    expect(added.status).toBe(303);
    const list = textOf((await ops.get('/staging/environments')).text);
    expect(list).toContain('Lab http://localhost:8069 cosmos Lab');
    const { text } = await ops.get(`/staging/environments/${lastPart(added.headers['location'])}`);
    expect(text).not.toContain(token);
    const stored = await first<{ token: string }>(
      site.here.sql,
      sql`select token from staging_environment`,
    );
    expect(stored?.token).not.toContain(token);
    const [known] = await environments.list(site.here.sql);
    expect(known && environments.tokenOf(site.here, known)).toBe(token);
  });

  test.each([
    [{ name: '' }, 'Enter a name, such as Lab'],
    [{ url: 'not an address' }, 'Enter the address of the staging server'],
    [{ url: 'https://staging.example.com/web?db=1' }, 'Enter the address of the staging server'],
    [{ client: 'Cosmos Inc' }, 'Use lowercase letters and digits'],
    [{ level: 'production' }, 'Choose a level from the list'],
    [{ token: 'short' }, 'Enter the token exactly as it stands'],
  ])(
    'a staging environment with the wrong value %j is refused with a message at that field, and the typed values are kept',
    async (also, message) => {
      const answer = await ops.post('/staging/environments', { ...lab, ...also });
      expect(answer.status).toBe(422);
      expect(textOf(answer.text)).toContain(message);
      if (!('client' in also)) expect(answer.text).toContain('value="cosmos"');
      expect(answer.text).not.toContain(token);
    },
  );

  test('a save of a staging environment is refused when another person has changed it since the page was opened', async () => {
    const id = await addLab();
    const fields = { ...lab, token: '', version: '1' };
    expect(
      (await ops.post(`/staging/environments/${id}`, { ...fields, name: 'First' })).status,
    ).toBe(303);
    const late = await ops.post(`/staging/environments/${id}`, { ...fields, name: 'Second' });
    expect(late.status).toBe(409);
    expect((await environments.known(site.here.sql, id)).name).toBe('First');
    const known = await environments.known(site.here.sql, id);
    expect(environments.tokenOf(site.here, known)).toBe(token);
  });

  test('the connection test of a staging environment shows which server cannot be reached', async () => {
    const id = await environments.add(site.here, 'ops@example.com', { ...lab, url: 'localhost:1' });
    await ops.post(`/staging/environments/${id}/test`);
    expect(textOf((await ops.get('/staging/environments')).text)).toMatch(
      /Not connected: Lab \(http:\/\/localhost:1\) cannot be reached/,
    );
  });
});

describe('the pages of staging jobs, with which staging databases are ordered', () => {
  test('S1-02 S1-10 S1-30 S1-31 only people with the permission Admin Light / Run Staging see and open the list of staging jobs in production', async () => {
    const person = await ops.get('/people');
    const id = /\/people\/(\d+)"[^>]*>\s*sam/.exec(person.text)?.[1] ?? '';
    expect((await ops.get(`/people/${id}`)).text).toContain('Admin Light / Run Staging');
    expect((await sam.get('/')).text).toContain('href="/staging/jobs"');
    expect((await sam.get('/staging/jobs')).status).toBe(200);
    const vic = await site.as('vic');
    expect((await vic.get('/')).text).not.toContain('href="/staging/jobs"');
    expect((await vic.get('/staging/jobs')).status).toBe(403);
  });

  test('S1-32 S1-33 S1-34 S1-35 the form of a new staging job lists the staging environments, and saves a draft that can be run', async () => {
    const environment = String(await addLab());
    const form = await sam.get('/staging/jobs/new');
    expect(form.text).toMatch(/name="timestamp"\s+value="yes"[^>]*checked/);
    expect(form.text).toContain('Lab (cosmos-lab)');
    const added = await sam.post('/staging/jobs', {
      type: 'new',
      environment,
      timestamp: 'yes',
      suffix: 'david-test',
    });
    expect(added.status).toBe(303);
    const page = textOf((await sam.get(String(added.headers['location']))).text);
    expect(page).toMatch(/Draft.*Named when the job is run.*david-test/);
    expect(page).toMatch(/Run/);
  });

  test.each([
    [{ suffix: 'David Test' }, 'Use lowercase letters and digits'],
    [{ suffix: 'x'.repeat(60) }, 'Make the suffix'],
    [{ environment: '' }, 'Choose an environment'],
    [{ type: 'drop', names: ' ' }, 'Enter the names of the databases'],
    [
      {
        type: 'drop',
        names: 'a '.repeat(1) + Array.from({ length: 101 }, (_one, at) => `db${at}`).join(' '),
      },
      'Enter 100 names at most',
    ],
  ])(
    'S1-40 S1-61 a staging job with a wrong value (case %#) is refused with a message at that field, and the typed values are kept',
    async (also, message) => {
      const environment = String(await addLab());
      const answer = await sam.post('/staging/jobs', {
        type: 'new',
        environment,
        suffix: '',
        ...also,
      });
      expect(answer.status).toBe(422);
      expect(textOf(answer.text)).toContain(message);
      if ('suffix' in also) expect(answer.text).toContain(`value="${also.suffix}"`);
    },
  );

  test('the draft of a staging job can be changed and removed, but a save from an outdated page is refused', async () => {
    const environment = String(await addLab());
    const number = await stagingJobs.add(site.here, 'sam@example.com', {
      type: 'new',
      environment,
    });
    const fields = { type: 'new', environment, version: '1' };
    expect((await sam.post(`/staging/jobs/${number}`, { ...fields, suffix: 'one' })).status).toBe(
      303,
    );
    expect((await sam.post(`/staging/jobs/${number}`, { ...fields, suffix: 'two' })).status).toBe(
      409,
    );
    expect((await stagingJobs.known(site.here.sql, number)).suffix).toBe('one');
    expect((await sam.post(`/staging/jobs/${number}/removal`)).status).toBe(303);
    expect((await sam.get(`/staging/jobs/${number}`)).status).toBe(404);
  });
});

test('S1-11 a server without the setting NUMIKUBE_STAGING_TOKEN makes no staging databases, and names the missing setting', async () => {
  const vic = await site.as('vic');
  expect(textOf((await vic.get('/databases')).text)).toContain(
    'No copies are made here: set NUMIKUBE_STAGING_TOKEN',
  );
  const answer = await vic.postRaw(
    '/bridge/orders',
    'application/json',
    JSON.stringify({ client }),
  );
  expect(answer.status).toBe(404);
  expect(answer.body).toMatchObject({ error: { code: 'not_found' } });
});

test.each([
  ['no JSON', '{', 400],
  ['too large', JSON.stringify({ token: 'x'.repeat(70_000) }), 413],
])(
  'an order of a staging database whose request is %s is refused with an error in JSON',
  async (_what, body, status) => {
    const stranger = await site.as(null);
    const answer = await stranger.postRaw('/bridge/orders', 'application/json', body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { message: expect.any(String) } });
  },
);
