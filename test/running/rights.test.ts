// Runs a transfer, a refresh, an undo, every chore and every page with database users that have exactly the rights in
// docs/rights.sql: the users app, arrivals and reader.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createConnection } from 'mysql2/promise';
import { settingsOf as leastSettings } from '../../bin/databases.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { reachRedis } from '../../src/environments/redis.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { openQueue } from '../../src/jobs/queue.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { openTicks } from '../../src/jobs/ticks.ts';
import { chores, schedules, tasks } from '../../src/tasks.ts';
import { openSite, type Client } from '../support/people.ts';
import { add, change, has, sheet, transfer, undo } from '../support/rows.ts';
import { openWorld, servers, settingsOf, useWorld } from '../support/world.ts';

const world = useWorld({ open: () => openWorld('rights'), cleared: 'once' });
let staging: App;
let preprod: App;
let variables: Record<string, string>;
beforeAll(async () => {
  const all = leastSettings(servers(), 'rights', () => '/tmp/oneway-rights', 'app');
  const app = (own: Record<string, string>, least: Record<string, string>) => ({
    ...own,
    SQL_DB_USER: least['SQL_DB_USER'] ?? '',
    SQL_DB_PASSWORD: least['SQL_DB_PASSWORD'] ?? '',
    NOSQL_DB_USER: least['NOSQL_DB_USER'] ?? '',
    NOSQL_DB_PASSWORD: least['NOSQL_DB_PASSWORD'] ?? '',
  });
  variables = app(world.variables.staging, all.staging);
  staging = openApp(settingsOf(variables));
  preprod = openApp(settingsOf(app(world.variables.preprod, all.preprod)));
});
afterAll(async () => {
  await staging.close();
  await preprod.close();
});

const pagesOf = [
  '/',
  '/pending',
  '/comparison',
  '/transfers',
  '/arrivals',
  '/changes',
  '/name-mappings',
  '/audit',
  '/jobs',
  '/dead-letters',
  '/refreshes',
  '/outbox',
  '/selections',
  '/restores',
  '/messages',
  '/metrics',
  '/catalog/task',
  '/catalog/form',
  '/people',
  '/api-keys',
  '/api-docs',
  '/readyz',
];

test('a transfer, a refresh and an undo work with database users that have only the rights in docs/rights.sql', async () => {
  const business = await add(staging, 'business');
  const form = { entity: 'form', id: await add(staging, 'form') };
  const task = { entity: 'task', id: await add(staging, 'task', { business, form: form.id }) };
  const sent = await transfer(staging, [task]);
  expect(sent.state).toBe('verified');
  await transfer(preprod, [task]);
  expect(await has(world.production, task)).toBe(true);
  await change(staging, form, { description: 'Newer' });
  expect((await undo(staging, await transfer(staging, [form]))).state).toBe('verified');
  const { job } = await jobs.request(staging.sql, {
    kind: 'refresh',
    name: 'Refresh',
    person: 'pm@example.com',
    input: { dryRun: false },
  });
  expect(await runJob(staging, tasks, job.id)).toMatchObject({ state: 'done' });
  expect((await sheet(preprod, [form])).plan.problems).toEqual([]);
});

test('every chore works with database users that have only the rights in docs/rights.sql', async () => {
  const { redis, connected } = reachRedis(staging);
  await connected;
  const line = openQueue(staging, redis, tasks);
  const ticks = openTicks(staging, redis, schedules, line);
  const failed: unknown[] = [];
  for (const { name, run } of chores(line, ticks)) {
    await run(staging).catch((error: unknown) => failed.push([name, error]));
  }
  expect(failed).toEqual([]);
  await Promise.all([line.close(), ticks.close()]);
  redis.destroy();
});

test('every page works with database users that have only the rights in docs/rights.sql', async () => {
  const site = await openSite(
    { ...world, staging, variables: { ...world.variables, staging: variables } },
    'staging',
  );
  const clients: Client[] = [await site.as('pm'), await site.as('ops')];
  for (const path of pagesOf) {
    const statuses = [];
    for (const client of clients) statuses.push((await client.get(path)).status);
    expect([path, statuses.includes(200), statuses.every((status) => status < 500)]).toEqual([
      path,
      true,
      true,
    ]);
  }
  await site.close();
});

test('a database user with the least rights is refused every statement that the program does not need', async () => {
  const all = leastSettings(servers(), 'rights', () => '/tmp/oneway-rights', 'app');
  const as = (prefix: string, from: Record<string, string>) =>
    createConnection({
      host: from[`${prefix}SQL_DB_HOST`] ?? '',
      port: Number(from[`${prefix}SQL_DB_PORT`]),
      user: from[`${prefix}SQL_DB_USER`] ?? '',
      password: from[`${prefix}SQL_DB_PASSWORD`] ?? '',
      database: from[`${prefix}SQL_DB_NAME`] ?? '',
    });
  for (const [prefix, statement] of [
    ['', 'alter table task add column x int'],
    ['', 'drop table task'],
    ['', "update audit set person = 'x'"],
    ['', 'delete from arrival'],
    ['UNI_DIR_DESTINATION_', 'select * from person'],
    [
      'UNI_DIR_DESTINATION_',
      "insert into permission (person_id, name) values (1, 'administrator')",
    ],
    ['UNI_DIR_DESTINATION_', 'select * from credential'],
    ['UNI_DIR_DESTINATION_', 'select * from credential_key'],
    ['UNI_DIR_DESTINATION_', 'delete from arrival'],
    ['UNI_DIR_DESTINATION_', 'select * from audit'],
    ['REFRESH_SOURCE_', 'select * from person'],
    ['REFRESH_SOURCE_', "update task set title = 'x'"],
  ] as const) {
    const connection = await as(prefix, all.staging);
    await expect(connection.query(statement)).rejects.toMatchObject({
      code: expect.stringMatching(/ER_(TABLEACCESS|DBACCESS)_DENIED_ERROR/),
    });
    await connection.end();
  }
});
