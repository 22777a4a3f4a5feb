// Tests that Oneway drops only databases that staging jobs have made.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MongoClient } from 'mongodb';
import { createConnection, type Connection } from 'mysql2/promise';
import { run, sql } from '../../src/database/sql.ts';
import { reasonOf } from '../../src/environments/unreachable.ts';
import * as copies from '../../src/staging/copies.ts';
import { followJobs } from '../../src/staging/follow.ts';
import { drop, dropNamed } from '../../src/staging/drop.ts';
import { endExpired } from '../../src/staging/keep.ts';
import { select } from '../../src/database/sql.ts';
import { add } from '../support/rows.ts';
import { backUp, build, client, copyOf, useCopies } from '../support/staging.ts';
import { servers } from '../support/world.ts';

const world = useCopies();
const name = `${client}-lab_trial`;
let root: Connection;
let mongo: MongoClient;

beforeAll(async () => {
  root = await createConnection({ uri: servers().mysql.href });
  mongo = new MongoClient(servers().mongo.href);
});
afterAll(async () => {
  await removeForeign();
  await root.end();
  await mongo.close();
});
/**
 * Drops the database that a test has created as if another program had made it. Oneway itself must
 * never drop this database, so the test does.
 */
async function removeForeign() {
  await root.query(`DROP DATABASE IF EXISTS \`${name}\``);
  await mongo.db(name).dropDatabase();
}

beforeEach(async () => {
  await removeForeign();
  await add(world.production, 'form', { name: 'Visit' });
  await backUp(world.production);
});

const inMysql = async () => {
  const [lines] = await root.query(`SHOW DATABASES LIKE '${name.replaceAll('_', '\\_')}'`);
  return (lines as unknown[]).length === 1;
};
const inMongo = async () => (await mongo.db(name).listCollections().toArray()).length > 0;

describe('a database that another program made under the name of a staging database', () => {
  test.each([
    ['in MySQL', () => root.query(`CREATE DATABASE \`${name}\``)],
    ['in MongoDB', () => mongo.db(name).collection('own').insertOne({})],
  ])(
    'S1-85 an order of a staging database fails if another program has a database of the same name %s, and that database is kept',
    async (_where, make) => {
      await make();
      const copy = await build(world.staging);
      await followJobs(world.staging);
      expect(await copyOf(world.staging, copy.id)).toMatchObject({ state: 'failed' });
      expect((await copyOf(world.staging, copy.id)).problem).toMatch(/which was not made here/);
      expect([await inMysql(), await inMongo()].filter(Boolean)).toHaveLength(1);
    },
  );

  test('S1-85 a staging database is not dropped if another program’s database now has the same name', async () => {
    const copy = await build(world.staging);
    await root.query(`DROP DATABASE \`${name}\``);
    await root.query(`CREATE DATABASE \`${name}\``);
    await root.query(`CREATE TABLE \`${name}\`.theirs (id INT)`);
    const error = await drop(world.staging, copy, 'sam@example.com').catch((one: unknown) => one);
    expect(reasonOf(error)).toMatch(/does not carry the mark of this copy/);
    expect(await inMysql()).toBe(true);
  });
});

test('S1-85 a request to drop databases drops none of another company or level (such as Test), and none that staging jobs did not make', async () => {
  await build(world.staging);
  const person = 'sam@example.com';
  const names = [name];
  const results = [
    await dropNamed(world.staging, { client: 'other', level: 'lab', person, names }),
    await dropNamed(world.staging, { client, level: 'test', person, names }),
    await dropNamed(world.staging, { client, level: 'lab', person, names: ['mysql'] }),
  ].flat();
  expect(results.map(({ result }) => result)).toEqual(['not_yours', 'not_yours', 'unknown']);
  expect([await inMysql(), await inMongo()]).toEqual([true, true]);
  expect(await dropNamed(world.staging, { client, level: 'lab', person, names })).toMatchObject([
    { result: 'dropped' },
  ]);
  expect([await inMysql(), await inMongo()]).toEqual([false, false]);
});

test('S1-85 the MySQL account for staging databases can create and drop only databases with the name of a staging database', async () => {
  const { COPIES_SQL_DB_USER: user, COPIES_SQL_DB_PASSWORD: password } = world.variables.staging;
  const { hostname, port } = servers().mysql;
  const own = await createConnection({
    host: hostname,
    port: Number(port),
    user: user ?? '',
    password: password ?? '',
  });
  const control = world.variables.staging['SQL_DB_NAME'];
  await expect(own.query(`DROP DATABASE \`${control}\``)).rejects.toThrow(/denied/i);
  await expect(own.query('CREATE DATABASE `somebody`')).rejects.toThrow(/denied/i);
  await own.end();
});

test('the person who ordered a staging database is notified two days before it is dropped, and a protected one is not dropped', async () => {
  const copy = await build(world.staging);
  const inDays = (days: number) =>
    run(
      world.staging.sql,
      sql`update database_copy set until = utc_timestamp(3) + interval ${days} day where id = ${copy.id}`,
    );
  await inDays(1);
  await endExpired(world.staging);
  await endExpired(world.staging);
  const told = await select<{ text: string }>(world.staging.sql, sql`select text from message`);
  expect(told.map(({ text }) => text)).toEqual([expect.stringContaining(`${name} is dropped on`)]);
  await inDays(-1);
  await run(
    world.staging.sql,
    sql`update database_copy set protected_until = utc_timestamp(3) + interval 1 day`,
  );
  await endExpired(world.staging);
  expect(await copies.named(world.staging.sql, name)).toBeDefined();
  await run(world.staging.sql, sql`update database_copy set protected_until = null`);
  await endExpired(world.staging);
  expect(await copyOf(world.staging, copy.id)).toMatchObject({
    state: 'dropped',
    ended_by: 'Oneway',
  });
  expect(await inMysql()).toBe(false);
});

test('S1-87 the interrupted drop of a staging database is finished even if the drop of another staging database cannot be finished', async () => {
  const stuck = await build(world.staging);
  const other = await build(world.staging, { suffix: 'other' });
  await root.query(`DROP DATABASE \`${name}\``);
  await root.query(`CREATE DATABASE \`${name}\``);
  await root.query(`CREATE TABLE \`${name}\`.theirs (id INT)`);
  await run(
    world.staging.sql,
    sql`update database_copy
           set state = 'dropping', changed_at = utc_timestamp(3) - interval 2 minute`,
  );
  await followJobs(world.staging);
  expect((await copyOf(world.staging, stuck.id)).state).toBe('dropping');
  expect((await copyOf(world.staging, other.id)).state).toBe('dropped');
});
