// A refresh (which copies production’s rows to this environment) as a background job: its progress, its report, and its
// interruption.
import { expect, test } from 'vitest';
import type { App } from '../../src/environments/app.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { readImage } from '../../src/storage/images.ts';
import { tasks } from '../../src/tasks.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { wanted } from '../support/jobs.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const request = async (dryRun: boolean, here: App = world.staging) =>
  (
    await jobs.request(here.sql, {
      kind: 'refresh',
      name: 'Refresh',
      person: 'pm@example.com',
      input: { dryRun },
      onlyOne: 'refresh',
    })
  ).job;

test('J-7 S0-73 a refresh from production and its dry run are background jobs with progress and a report', async () => {
  const { production, preprod } = world;
  const id = await add(production, 'form', { name: 'Address change' });
  const preview = await runJob(preprod, tasks, (await request(true, preprod)).id);
  expect(preview).toMatchObject({ state: 'done', done_count: 1, total_count: 1 });
  expect(JSON.parse(preview?.report ?? '')).toMatchObject({ created: 1, skippedRows: [] });
  await expect(get(preprod, { entity: 'form', id })).rejects.toThrow('is not in preprod');

  await runJob(preprod, tasks, (await request(false, preprod)).id);
  await change(production, { entity: 'form', id }, { description: 'Newer above' });
  const again = await runJob(preprod, tasks, (await request(true, preprod)).id);
  expect(JSON.parse(again?.report ?? '')).toMatchObject({
    created: 0,
    updated: 1,
    overwritten: [{ key: { entity: 'form', id }, fields: ['Description'] }],
  });
  expect(await get(preprod, { entity: 'form', id })).toMatchObject({ description: null });
});

test('an interrupted refresh from production continues after the rows that it has done, and its report then covers all rows', async () => {
  const { production, preprod } = world;
  for (let number = 0; number < 3; number += 1) await add(production, 'form');
  for (let number = 0; number < 2; number += 1) await add(production, 'business');
  const { id } = await request(false, preprod);
  const here = { ...preprod, halt: new AbortController() };
  const stopped = await runJob(here, tasks, id, ({ doing }) => {
    if (doing === 'Businesses') here.halt.abort();
  });
  expect(stopped).toMatchObject({ state: 'waiting', done_count: 2 });
  const done = await runJob(preprod, tasks, id);
  expect(done).toMatchObject({ state: 'done', attempt: 2, done_count: 5, total_count: 5 });
  expect(JSON.parse(done?.report ?? '')).toMatchObject({ created: 5, same: 0 });
});

test('a refresh from production waits while production’s database is being upgraded, and shows this reason', async () => {
  const { production, preprod } = world;
  await add(production, 'form');
  await writeVersion(production.documents, { databaseVersion: '1', isUpdating: true });
  const { id } = await request(false, preprod);
  expect(await runJob(preprod, tasks, id)).toMatchObject({
    state: 'waiting',
    problem: 'The database of production is being updated.',
  });
});

test('a refresh from production copies the icons of businesses, and lists icons that are missing in production', async () => {
  const { production, staging } = world;
  const icon = `${'a'.repeat(64)}.png`;
  const lost = `${'b'.repeat(64)}.png`;
  await production.storage.put(`aa/${icon}`, Buffer.from('icon'));
  await add(production, 'business', { icon });
  const id = await add(production, 'business', { icon: lost });
  const done = await runJob(staging, tasks, (await request(false)).id);
  expect(String(await readImage(staging.storage, icon))).toBe('icon');
  expect(JSON.parse(done?.report ?? '')).toMatchObject({
    missingImages: [`Business ${id}: ${lost}`],
  });
});

test('J-3 a refresh from production copies no people, permissions, jobs, API keys, messages to users, selections or notifications', async () => {
  const { production, staging } = world;
  await add(production, 'form');
  await production.sql.query(
    "insert into person (email, name, password_hash) values ('above@example.com', 'Above', 'x')",
  );
  await production.sql.query(
    "insert into permission (person_id, name) select id, 'administrator' from person",
  );
  await production.sql.query("insert into message (person, text) values ('a@example.com', 'x')");
  await production.sql.query(
    "insert into credential (kind, name, scopes, created_by, created_at) values ('bearer', 'App', '[]', 'x', now(3))",
  );
  await jobs.request(production.sql, wanted);
  await runJob(staging, tasks, (await request(false)).id);
  for (const table of ['person', 'permission', 'message', 'credential', 'selection', 'outbox']) {
    const [lines] = await staging.sql.query(`select * from ${table}`);
    expect([table, lines]).toEqual([table, []]);
  }
  const [own] = await staging.sql.query('select kind from job');
  expect(own).toEqual([{ kind: 'refresh' }]);
});

test('a product manager who starts a second refresh is redirected to the running one, whose page shows progress and result', async () => {
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  await add(world.production, 'form');
  const first = await pm.post('/refreshes', { what: 'look' });
  expect(first.headers['location']).toMatch(/^\/jobs\/\d+$/);
  const second = await pm.post('/refreshes', { what: 'copy' });
  expect(second.headers['location']).toBe(first.headers['location']);
  const [job] = await jobs.newest(world.staging.sql, 'refresh');
  await runJob(world.staging, tasks, job?.id ?? '');
  const page = textOf((await pm.get(String(first.headers['location']))).text);
  expect(page).toContain('1 would be created');
  expect(page).toContain('Refresh now');
  const events = await pm.get(`${String(first.headers['location'])}/events`);
  expect(events.text).toContain('"state":"done"');
  await site.close();
});
