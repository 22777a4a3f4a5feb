// Tests pages, the API, transfers and saves while the database is being updated to another version, or has another
// version than the program.
import { afterEach, describe, expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoints } from '../../src/database/failpoints.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { TTL_MS, compatibilityOf } from '../../src/version/compatibility.ts';
import type { App } from '../../src/environments/app.ts';
import { surroundings } from '../support/left-behind.ts';
import { contents } from '../support/checker.ts';
import { claimsIn, recoverNow, statesOf, transferKilledAt } from '../support/killing.ts';
import { openSite, password, textOf, useSite } from '../support/people.ts';
import { add, change, get, has, transfer } from '../support/rows.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const world = useWorld();
afterEach(() => {
  failpoints.reached = () => {};
});

const supported = currentVersion();
const open = { databaseVersion: supported, isUpdating: false };
const updating = {
  databaseVersion: supported,
  isUpdating: true,
  since: '2026-11-21T09:00:00.000Z',
};

/** Writes or deletes the version document, and waits until every cached version has expired. */
async function mark(here: App, version: Parameters<typeof writeVersion>[1] | null) {
  if (version === null) await here.documents.collection('metadata').deleteMany({});
  else await writeVersion(here.documents, version);
  await sleep(TTL_MS + 50);
}

test.each([
  [{ databaseVersion: '1.0', isUpdating: false }, 'open'],
  [{ databaseVersion: '1.0', isUpdating: true }, 'updating'],
  [{ databaseVersion: '2.0', isUpdating: false }, 'unsupported'],
  [{ databaseVersion: '1.0.0', isUpdating: false }, 'unsupported'],
  [{ databaseVersion: '2.0', isUpdating: true }, 'updating'],
  [null, 'unknown'],
])(
  'S2-52 S2-53 when the version document in MongoDB is %j, a program that supports version 1.0 treats the database as “%s”',
  (version, kind) => {
    expect(compatibilityOf(version, '1.0').kind).toBe(kind);
  },
);

test('S2-01 S2-02 S2-03 the MongoDB document metadata/metadata contains the database version as a string, and whether an update to another version is running', async () => {
  const [stored, ...others] = await world.staging.documents.collection('metadata').find().toArray();
  expect(others).toEqual([]);
  expect(stored).toEqual({ _id: 'metadata', databaseVersion: supported, isUpdating: false });
});

test('S2-10 S2-11 S2-12 S2-13 S2-15 S2-16 S2-42 S2-43 the server and the command line read from the file DB_VERSION which version of the database they need', () => {
  for (const program of ['bin/serve', 'bin/oneway']) {
    expect(readFileSync(program, 'utf8')).toContain(
      'export SUPPORTED_DATABASE_VERSION="${SUPPORTED_DATABASE_VERSION:-$(cat DB_VERSION)}"',
    );
  }
  const { SUPPORTED_DATABASE_VERSION: _own, ...variables } = world.variables.staging;
  expect(() => settingsOf(variables)).toThrow('SUPPORTED_DATABASE_VERSION');
  const shown = spawnSync('bash', ['bin/oneway', 'db', 'version'], {
    env: { ...surroundings(), ...variables },
    encoding: 'utf8',
  });
  expect(shown.stdout).toContain(`supported: ${readFileSync('DB_VERSION', 'utf8').trim()}`);
  expect(shown.stdout).toContain('They fit.');
  const other = spawnSync('bash', ['bin/oneway', 'refresh'], {
    env: { ...surroundings(), ...variables, SUPPORTED_DATABASE_VERSION: '0.9.0' },
    encoding: 'utf8',
  });
  expect([other.status, other.stderr]).toEqual([3, expect.stringContaining('supports 0.9.0')]);
});

describe('pages during a version update of the database', () => {
  const site = useSite(world, 'staging');

  test('S2-20 S2-23 S2-24 S2-25 a version update of the database signs people out, and when it is over they return to the page that they wanted', async () => {
    const client = await site.as('pm');
    await mark(world.staging, updating);
    const gone = await client.get('/catalog/task?tab=ready');
    expect([gone.status, gone.headers['location']]).toEqual([
      303,
      '/updating?return=%2Fcatalog%2Ftask%3Ftab%3Dready',
    ]);
    const page = await client.get(String(gone.headers['location']));
    expect(page.status).toBe(503);
    expect(page.headers['retry-after']).toBe('10');
    expect(textOf(page.text)).toMatch(
      /An update of the database is in progress since \d+ \w+ \d{4}, 09:00 UTC/,
    );
    expect(page.text).not.toMatch(/http-equiv="refresh"/i);
    expect((await client.get('/sign-in')).headers['location']).toContain('/updating');
    await mark(world.staging, open);
    const back = await client.get('/updating?return=/catalog/task');
    expect([back.status, back.headers['location']]).toEqual([303, '/catalog/task']);
    expect((await client.get('/catalog/task')).headers['location']).toBe('/sign-in');
  });

  test('S2-21 S2-22 when the program and the database have different versions, people are signed out and see both versions', async () => {
    const client = await site.as('pm');
    await mark(world.staging, { databaseVersion: '0.9.0', isUpdating: false });
    const gone = await client.get('/catalog/task');
    expect(gone.headers['location']).toContain('/update-application');
    const page = await client.get(String(gone.headers['location']));
    expect(page.status).toBe(426);
    expect(textOf(page.text)).toContain(
      `at version 0.9.0 , this application supports version ${supported}`,
    );
    expect(textOf(page.text)).toContain('Ask your administrator');
    await mark(world.staging, open);
  });

  test('a form posted during a version update of the database is saved, and the person who typed it can send it after signing in again', async () => {
    const form = {
      entity: 'form',
      id: await add(world.staging, 'form', { name: 'Visit details' }),
    };
    const client = await site.as('pm');
    const page = await client.get(`/catalog/form/${form.id}`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
    await mark(world.staging, updating);
    const gone = await client
      .forge(`/catalog/form/${form.id}`, {
        csrf,
        version: 1,
        name: 'Visit details',
        description: 'Half an hour of typing “here”',
      })
      .set('Sec-Fetch-Site', 'same-origin');
    expect(gone.headers['location']).toBe('/updating?return=%2Fsaved-form');
    await mark(world.staging, open);
    expect((await get(world.staging, form))['description']).toBeNull();
    const signedIn = await client.post('/sign-in', { email: 'pm@example.com', password });
    expect(signedIn.headers['location']).toBe('/saved-form');
    const kept = await client.get('/saved-form');
    expect(textOf(kept.text)).toContain('Description Half an hour of typing “here”');
    const sent = await client.post('/saved-form/sending', {});
    expect([sent.status, sent.headers['location']]).toEqual([307, `/catalog/form/${form.id}`]);
    const fields = Object.fromEntries(
      [...kept.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)" \/>/g)].map(
        ([, name, value]) => [name, value],
      ),
    );
    await client.post(`/catalog/form/${form.id}`, fields);
    expect((await get(world.staging, form))['description']).toBe('Half an hour of typing “here”');
    expect((await client.get('/saved-form')).headers['location']).toBe('/');
  });

  test('a form posted by another website during a version update of the database is not saved', async () => {
    const client = await site.as('pm');
    await mark(world.staging, updating);
    const gone = await client.forge('/name-mappings', { name: 'Pune' });
    expect(gone.headers['location']).toBe('/updating?return=%2F');
    await mark(world.staging, open);
  });

  test('S2-54 while the version document in MongoDB is missing or malformed, pages can be opened but nothing can be saved', async () => {
    const form = {
      entity: 'form',
      id: await add(world.staging, 'form', { name: 'Visit details' }),
    };
    const client = await site.as('pm');
    await mark(world.staging, null);
    const page = await client.get(`/catalog/form/${form.id}`);
    expect(page.status).toBe(200);
    expect(textOf(page.text)).toContain('Nothing can be saved right now');
    const answer = await client.post(`/catalog/form/${form.id}`, { name: 'Other', version: 1 });
    expect(answer.headers['location']).toBe('/saved-form');
    const kept = textOf((await client.get('/saved-form')).text);
    expect(kept).toContain('missing or malformed');
    expect(kept).toContain('Name Other');
    expect((await get(world.staging, form))['name']).toBe('Visit details');
    expect((await client.forge('/name-mappings', { name: 'Pune' })).status).toBe(503);
    const ready = await client.get('/readyz');
    expect([ready.status, ready.body.version]).toEqual([
      503,
      expect.stringContaining('missing or malformed'),
    ]);
    await world.staging.documents
      .collection<{ _id: string; [field: string]: unknown }>('metadata')
      .insertOne({ _id: 'metadata', databaseVersion: 7, isUpdating: 'no' });
    await sleep(TTL_MS + 50);
    expect((await client.get('/readyz')).body.version).toContain('malformed');
    await mark(world.staging, open);
    expect((await client.get('/readyz')).status).toBe(200);
  });
});

describe('the API during a version update of the database', () => {
  test('S2-05 S2-57 the API answers 503 during a version update of the database, and 426 when program and database have different versions', async () => {
    const site = await openSite(world, 'staging', { LOG_LEVEL: 'silent' });
    const stranger = await site.as(null);
    await mark(world.staging, updating);
    const busy = await stranger.get('/api/v1/task');
    expect([busy.status, busy.headers['retry-after'], busy.body.error.code]).toEqual([
      503,
      '10',
      'database_updating',
    ]);
    expect((await stranger.get('/api/v1/metadata')).body).toEqual({
      databaseVersion: supported,
      isUpdating: true,
    });
    expect((await stranger.get('/healthcheck')).body).toEqual({ status: 'OK' });
    await mark(world.staging, { databaseVersion: '9.0.0', isUpdating: false });
    const other = await stranger.get('/api/v1/task');
    expect([other.status, other.body.error.code]).toEqual([426, 'version_unsupported']);
    await site.close();
  });
});

describe('J-1 a version update of the destination’s database during a transfer', () => {
  const stages = ['journal', 'claim', 'open', 'lock', 'rows', 'document', 'before commit'];

  test.each([...stages, 'after commit', 'committed', 'removed', 'finish'])(
    'a transfer is refused or completed as a whole when the migration of the destination’s database begins at the transfer’s step “%s”',
    async (stage) => {
      const { staging, preprod } = world;
      const form = { entity: 'form', id: await add(staging, 'form') };
      const business = await add(staging, 'business');
      const task = { entity: 'task', id: await add(staging, 'task', { business, form: form.id }) };
      const before = await contents(preprod);
      failpoints.reached = async (reached) => {
        if (reached === stage) await writeVersion(preprod.documents, updating);
      };
      const { state } = await transfer(staging, [task, form]);
      // After claiming its rows, the transfer reads the database version again, without a cache. A version update that
      // begins after that does not stop the transfer.
      const isEarly = ['journal', 'claim'].includes(stage);
      expect(state).toBe(isEarly ? 'refused' : 'verified');
      const after = await contents(preprod);
      expect(after.size - before.size).toBe(isEarly ? 0 : 3);
      expect(await claimsIn(preprod)).toBe(0);
    },
  );

  test('a save is refused when a version update of the database begins before the save has claimed (locked) its rows', async () => {
    const { staging } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    failpoints.reached = async (reached) => {
      if (reached === 'claim') await writeVersion(staging.documents, updating);
    };
    await expect(change(staging, form, { description: 'Newer' })).rejects.toThrow('being updated');
    failpoints.reached = () => {};
    await writeVersion(staging.documents, open);
    expect((await get(staging, form))['description']).toBeNull();
    await change(staging, form, { description: 'Newer' });
  });

  test('J-5 an interrupted transfer completes after a version update of the destination, or at once if it has already locked its rows', async () => {
    const { staging, preprod, variables } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    await transferKilledAt(variables.staging, [form], 'journal');
    await writeVersion(preprod.documents, updating);
    await recoverNow(staging);
    expect(await statesOf(staging)).toEqual(['planned']);
    await writeVersion(preprod.documents, open);
    await recoverNow(staging);
    expect(await statesOf(staging)).toEqual(['verified']);
    const other = { entity: 'form', id: await add(staging, 'form') };
    await transferKilledAt(variables.staging, [other], 'document');
    await writeVersion(preprod.documents, updating);
    await recoverNow(staging);
    expect((await statesOf(staging)).at(-1)).toBe('verified');
    expect(await claimsIn(preprod)).toBe(0);
    await writeVersion(preprod.documents, open);
    expect(await has(preprod, other)).toBe(true);
  });
});
