// Databases that are created while the program runs can be opened by name as environments, on real servers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { createConnection, type Connection } from 'mysql2/promise';
import { isStaging } from '../../src/access/permissions.ts';
import { migrate } from '../../src/database/migrate.ts';
import { first, select, sql } from '../../src/database/sql.ts';
import { appOn, openApp, type App } from '../../src/environments/app.ts';
import type { DatabaseAddresses } from '../../src/environments/connect.ts';
import { drawIds } from '../../src/environments/ids.ts';
import { openEnvironment, withEnvironment } from '../../src/environments/opened.ts';
import { copyRules } from '../../src/environments/rules.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { add, change, get } from '../support/rows.ts';
import { servers, settingsOf, useWorld } from '../support/world.ts';

const prefix = `copy${process.env['VITEST_POOL_ID'] ?? '0'}`;
const MAX = 3;
const IDLE_MS = 400;

const world = useWorld({ cleared: 'once' });
let app: App;
let root: Connection;
let mongo: MongoClient;
let at: DatabaseAddresses;
const made = new Set<string>();

beforeAll(async () => {
  const { mysql, mongo: mongoUrl } = servers();
  root = await createConnection({ uri: mysql.href });
  mongo = new MongoClient(mongoUrl.href);
  const address = ({ hostname, port, username, password }: URL) => ({
    name: '',
    user: username,
    password,
    host: hostname,
    port: Number(port),
  });
  at = { sql: address(mysql), nosql: { ...address(mongoUrl), authSource: 'admin' } };
  app = openApp(
    settingsOf(world.variables.staging, {
      OPEN_ENVIRONMENTS_MAX: String(MAX),
      OPEN_ENVIRONMENTS_IDLE_MS: String(IDLE_MS),
    }),
  );
});
afterAll(async () => {
  await app.close();
  for (const name of made) await drop(name);
  await root.end();
  await mongo.close();
});

async function make(suffix: string): Promise<string> {
  const name = `${prefix}_${suffix}`;
  await drop(name);
  made.add(name);
  await root.query(`CREATE DATABASE \`${name}\``);
  await root.query(`CREATE TABLE \`${name}\`.note (text VARCHAR(100))`);
  await root.query(`INSERT INTO \`${name}\`.note VALUES ('${suffix}')`);
  await mongo.db(name).collection('note').insertOne({ text: suffix });
  return name;
}

async function drop(name: string) {
  await root.query(`DROP DATABASE IF EXISTS \`${name}\``);
  await mongo.db(name).dropDatabase();
}

const noteOf = (name: string) =>
  withEnvironment(app, { database: name, at }, async (environment) => {
    const line = await first<{ text: string }>(environment.sql, sql`select text from note`);
    const document = await environment.documents.collection('note').findOne();
    return [line?.text, document?.['text']];
  });

/** Counts the MySQL connections to the databases of this test. */
async function connections(): Promise<number> {
  const [lines] = await root.query(
    'select count(*) as total from information_schema.processlist where db like ?',
    [`${prefix}\\_%`],
  );
  return (lines as { total: number }[])[0]?.total ?? -1;
}

async function becomes(wanted: number) {
  const until = Date.now() + 5000;
  while ((await connections()) !== wanted && Date.now() < until) await sleep(20);
  expect(await connections()).toBe(wanted);
}

test('20 simultaneous first requests to a database that is opened by name share one connection pool', async () => {
  const name = await make('shared');
  const environments = new Set();
  await Promise.all(
    Array.from({ length: 20 }, () =>
      withEnvironment(app, { database: name, at }, async (environment) => {
        environments.add(environment.sql);
        await select(environment.sql, sql`select sleep(0.05)`);
      }),
    ),
  );
  expect(environments.size).toBe(1);
  expect(app.opened.pools.count).toBe(1);
  expect(await connections()).toBeLessThanOrEqual(4);
  await becomes(0);
});

test('connections to a database opened by name are closed after some idle time, and reopened for the next caller', async () => {
  const name = await make('idle');
  expect(await noteOf(name)).toEqual(['idle', 'idle']);
  expect(await connections()).toBeGreaterThan(0);
  await becomes(0);
  expect(app.opened.pools.count).toBe(0);
  expect(await noteOf(name)).toEqual(['idle', 'idle']);
  await becomes(0);
});

test('a database opened by name stays open as long as one caller uses it', async () => {
  const name = await make('long');
  const { environment, release } = await openEnvironment(app, { database: name, at });
  expect(await noteOf(name)).toEqual(['long', 'long']);
  await sleep(IDLE_MS * 2);
  expect(await select(environment.sql, sql`select text from note`)).toEqual([{ text: 'long' }]);
  release();
  await becomes(0);
});

test('opening a database that does not exist fails with an error that names it', async () => {
  const missing = `${prefix}_missing`;
  await expect(noteOf(missing)).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining(missing),
  });
  const half = await make('half');
  await mongo.db(half).dropDatabase();
  await expect(noteOf(half)).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining('MongoDB'),
  });
  await becomes(0);
  expect(app.opened.pools.count).toBe(0);
});

test.each(['', 'a/b', 'a.b', '`x`', 'a b', 'x'.repeat(64), '../x'])(
  'opening a database with the invalid name %j is refused',
  async (name) => {
    await expect(noteOf(name)).rejects.toMatchObject({ status: 404 });
  },
);

test('a query in a database dropped meanwhile fails with an error that names the database; once re-created, it can be opened again', async () => {
  const name = await make('dropped');
  expect(await noteOf(name)).toEqual(['dropped', 'dropped']);
  const during = withEnvironment(app, { database: name, at }, async ({ sql: pool }) => {
    await drop(name);
    return select(pool, sql`select text from note`);
  });
  await expect(during).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining(name),
  });
  await expect(noteOf(name)).rejects.toMatchObject({ status: 404 });
  await make('dropped');
  expect(await noteOf(name)).toEqual(['dropped', 'dropped']);
  await becomes(0);
});

test('an error thrown while using a database opened by name reaches the caller unchanged', async () => {
  const name = await make('error');
  const work = withEnvironment(app, { database: name, at }, ({ sql: pool }) =>
    select(pool, sql`select * from no_such_table`),
  );
  await expect(work).rejects.toMatchObject({ code: 'ER_NO_SUCH_TABLE' });
  await becomes(0);
});

test('opening many databases in turn leaks no connections and never exceeds the allowed number of open databases', async () => {
  const names = [];
  for (let number = 0; number < 12; number += 1) names.push(await make(`turn${number}`));
  const seen: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const name of names) {
      expect(await noteOf(name)).toHaveLength(2);
      expect(app.opened.pools.count).toBeLessThanOrEqual(MAX);
      seen.push(await connections());
    }
  }
  // Each database had one caller at a time, so it needed two connections: one for the caller, and
  // one to check that the database exists.
  expect(Math.max(...seen)).toBeLessThanOrEqual(MAX * 2);
  await becomes(0);
  expect(app.opened.pools.count).toBe(0);
});

test('opening a database by name is refused while as many databases as allowed are in use', async () => {
  const opened = [];
  for (let number = 0; number < MAX; number += 1) {
    opened.push(await openEnvironment(app, { database: await make(`full${number}`), at }));
  }
  const another = await make('another');
  await expect(noteOf(another)).rejects.toMatchObject({ status: 503 });
  opened[0]?.release();
  expect(await noteOf(another)).toEqual(['another', 'another']);
  for (const { release } of opened) release();
  await becomes(0);
});

test('the database of an environment in the settings cannot be opened by name', async () => {
  for (const { SQL_DB_NAME: name = '' } of [world.variables.staging, world.variables.preprod]) {
    await expect(withEnvironment(app, name, async () => 'opened')).rejects.toMatchObject({
      status: 404,
    });
    await expect(noteOf(name)).rejects.toMatchObject({ status: 404 });
  }
});

test('two callers that open the same database by name with different environment rules each get their own rules', async () => {
  const name = await make('rules');
  const own = { ...copyRules(name), label: 'Training', isEdited: false, ids: { from: 5, to: 9 } };
  const usual = await openEnvironment(app, { database: name, at });
  const training = await openEnvironment(app, { database: name, at, rules: own });
  expect(training.environment.sql).toBe(usual.environment.sql);
  const here = [usual, training].map(({ environment }) => appOn(app, environment));
  expect(here.map(({ setup }) => isStaging(setup))).toEqual([true, false]);
  expect(here.map(({ rules }) => rules.label)).toEqual([name, 'Training']);
  await root.query(
    `CREATE TABLE \`${name}\`.id_sequence (entity VARCHAR(40) PRIMARY KEY, next BIGINT UNSIGNED)`,
  );
  expect(await drawIds(training.environment, 'task')).toBe(5);
  usual.release();
  training.release();
});

test('rows in a database opened by name can be added, saved and read like in any environment', async () => {
  const name = await make('rows');
  await withEnvironment(app, { database: name, at }, async (environment) => {
    await migrate(environment.sql, environment.documents);
    await writeVersion(environment.documents, {
      databaseVersion: currentVersion(),
      isUpdating: false,
    });
    const copy = appOn(app, environment);
    expect((await copy.compatibility()).kind).toBe('open');
    const business = await add(copy, 'business', { name: 'Only in the copy' });
    const form = { entity: 'form', id: await add(copy, 'form') };
    await change(copy, form, { description: 'Saved in the copy' });
    expect(await get(copy, form)).toMatchObject({ description: 'Saved in the copy' });
    const arrivals = await select(environment.sql, sql`select distinct origin from arrival`);
    expect(arrivals).toEqual([{ origin: 'copy' }]);
    expect(await select(app.sql, sql`select id from business where id = ${business}`)).toEqual([]);
  });
});

test('a database is opened by name with this environment’s own database account, unless the caller names another one', async () => {
  const name = await make('own');
  const { SQL_DB_USER: user = '' } = world.variables.staging;
  await expect(withEnvironment(app, name, async () => 'opened')).rejects.toMatchObject({
    status: 404,
  });
  await root.query(`GRANT SELECT ON \`${name}\`.* TO '${user}'@'%'`);
  await mongo.db(app.documents.databaseName).command({
    updateUser: world.variables.staging['NOSQL_DB_USER'],
    roles: [
      { role: 'readWrite', db: app.documents.databaseName },
      { role: 'dbAdmin', db: app.documents.databaseName },
      { role: 'read', db: name },
    ],
  });
  const found = await withEnvironment(app, name, (environment) =>
    select(environment.sql, sql`select text from note`),
  );
  expect(found).toEqual([{ text: 'own' }]);
  await root.query(`REVOKE ALL PRIVILEGES ON \`${name}\`.* FROM '${user}'@'%'`);
});

test('closing the program closes the connections to every database opened by name, even to one in use', async () => {
  const name = await make('shutdown');
  const other = openApp(settingsOf(world.variables.staging));
  const { environment } = await openEnvironment(other, { database: name, at });
  await select(environment.sql, sql`select text from note`);
  expect(await connections()).toBeGreaterThan(0);
  await other.close();
  await becomes(0);
});
