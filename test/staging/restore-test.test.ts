// Tests the nightly restore test of backups, and the spare: the tested copy that the restore test keeps for the next
// order of a staging database.
import { beforeEach, describe, expect, test } from 'vitest';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, select, sql } from '../../src/database/sql.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { accept } from '../../src/staging/accept.ts';
import * as copies from '../../src/staging/copies.ts';
import { withCopy } from '../../src/staging/databases.ts';
import { dropNamed } from '../../src/staging/drop.ts';
import { requestRestoreTest } from '../../src/staging/restore-test-request.ts';
import { tasks } from '../../src/tasks.ts';
import { hire } from '../support/people.ts';
import {
  backUp,
  buildKilledAt,
  build,
  client,
  copyOf,
  databasesThere,
  fillProduction,
  useCopies,
  wanted,
} from '../support/staging.ts';

const world = useCopies();

beforeEach(async () => {
  await fillProduction(world);
  await backUp(world.production);
});

async function testRestoring() {
  const { job } = await requestRestoreTest(world.staging.sql, client);
  const ended = await runJob(world.staging, tasks, job.id);
  return { job: ended, tested: JSON.parse(ended?.report ?? '{}') as unknown };
}

const isInMysql = async (name: string) => (await databasesThere()).mysql.includes(name);

test('the restore test of a backup passes when the restored data equals the backup, and the restored database is kept as the next staging database', async () => {
  const { job, tested } = await testRestoring();
  expect([job?.state, job?.problem, tested]).toEqual([
    'done',
    null,
    { tested: [{ client, backup: expect.any(String), problem: null }] },
  ]);
  expect(await copies.spareOf(world.staging.sql, client)).toMatchObject({ state: 'ready' });
  expect(await copies.countSlots(world.staging.sql)).toBe(0);
  expect(await copies.live(world.staging.sql)).toEqual([]);
});

test('the restore test of a backup fails, and administrators are notified, when the restored database has a form that the backup lacks', async () => {
  await hire(world.staging, 'ops');
  failpoints.reached = async (point) => {
    if (point !== 'copy loading') return;
    failpoints.reached = () => {};
    const spare = await copies.spareOf(world.staging.sql, client);
    if (!spare) return;
    // Adds a form to the restored copy during the test, as if the database had stored other data
    // than the backup contains.
    await withCopy(world.staging, spare, ({ documents }) =>
      documents.collection<{ _id: number }>('form').insertOne({ _id: 999_999_999 }),
    );
  };
  const { tested } = await testRestoring();
  failpoints.reached = () => {};
  // The message depends on whether the form was added before or after the restore test counted the
  // forms.
  const found = /form (has \d+ rows after loading|is not what was backed up)/;
  expect(JSON.stringify(tested)).toMatch(found);
  const told = await select<{ text: string }>(
    world.staging.sql,
    sql`select text from message where person = 'ops@example.com'`,
  );
  expect(told.map(({ text }) => text)).toEqual([expect.stringMatching(found)]);
  expect(await copies.spareOf(world.staging.sql, client)).toBeUndefined();
});

test('the restore test of a backup fails when a value in the restored database differs from the value in the backup', async () => {
  failpoints.reached = async (point) => {
    if (point !== 'copy loading') return;
    const spare = await copies.spareOf(world.staging.sql, client);
    if (!spare) return;
    await withCopy(world.staging, spare, ({ sql: on }) =>
      run(on, sql`update business set description = concat(description, ' ') where id > 0`),
    );
  };
  const { tested } = await testRestoring();
  failpoints.reached = () => {};
  expect(JSON.stringify(tested)).toMatch(/business is not what was backed up/);
});

test('administrators are notified when the newest backup of a client is older than 26 hours', async () => {
  await hire(world.staging, 'ops');
  const below = join(world.folder, 'dev-backups', client);
  const [time = ''] = (await readdir(below)).filter((one) => /^\d{4}-/.test(one));
  const old = '2026-01-02T02-00-00Z';
  const { rename } = await import('node:fs/promises');
  await rename(join(below, time), join(below, old));
  const file = join(below, old, 'manifest.json');
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll(time, old));
  await testRestoring();
  const told = await select<{ text: string }>(
    world.staging.sql,
    sql`select text from message where person = 'ops@example.com'`,
  );
  expect(told.map(({ text }) => text)).toEqual([
    expect.stringContaining('hours old: last night no backup was taken'),
  ]);
});

describe('orders of staging databases while the restore test of a backup has a tested copy ready', () => {
  beforeEach(async () => {
    await testRestoring();
  });

  test('an order of a staging database gets the copy that a restore test has made, without loading rows, and requests the next restore test', async () => {
    const spare = await copies.spareOf(world.staging.sql, client);
    const points: string[] = [];
    failpoints.reached = (point) => void points.push(point);
    const copy = await build(world.staging);
    failpoints.reached = () => {};
    expect(copy).toMatchObject({
      state: 'ready',
      documents_name: spare?.documents_name,
      mark: spare?.id,
    });
    expect(points).not.toContain('copy loading');
    expect(await isInMysql(spare?.name ?? '')).toBe(false);
    await withCopy(world.staging, copy, async ({ sql: on, documents }) => {
      expect(await select(on, sql`select id from task`)).not.toEqual([]);
      expect(await documents.collection('form').countDocuments()).toBeGreaterThan(0);
    });
    const [next] = await jobs.newest(world.staging.sql, 'restore-test', 1);
    expect(next?.state).toBe('waiting');
  });

  test('a staging database that was the copy of a restore test can be dropped by its new name, in MySQL and in MongoDB', async () => {
    const copy = await build(world.staging);
    const person = 'sam@example.com';
    expect(
      await dropNamed(world.staging, { client, level: 'lab', person, names: [copy.name] }),
    ).toMatchObject([{ result: 'dropped' }]);
    expect(await databasesThere()).toEqual({ mysql: [], mongo: [] });
  });

  test.each(['copy taking over', 'copy taken over'])(
    'when a process is killed at the step “%s” while it turns a restore test’s copy into a staging database, the next attempt completes it',
    async (point) => {
      expect(await buildKilledAt(world.staging, point)).toMatchObject({ state: 'ready' });
    },
  );

  test('an order of a staging database loads the backup when the databases of the restore test’s copy no longer exist', async () => {
    const spare = await copies.spareOf(world.staging.sql, client);
    const order = wanted();
    const { job } = await accept(world.staging, order);
    await withCopy(
      world.staging,
      spare ?? (await copyOf(world.staging, order.order)),
      ({ documents }) => documents.dropDatabase(),
    );
    await run(
      world.staging.sql,
      sql`update database_copy set spare_name = 'gone-lab_restore-test'`,
    );
    await runJob(world.staging, tasks, job?.id ?? '');
    expect(await copyOf(world.staging, order.order)).toMatchObject({
      state: 'ready',
      spare_name: null,
    });
  });
});

test('two simultaneous orders of staging databases do not get the same copy of a restore test', async () => {
  await testRestoring();
  const orders = ['one', 'two'].map((suffix) => wanted({ suffix }));
  const accepted = await Promise.all(orders.map((order) => accept(world.staging, order)));
  for (const { job } of accepted) await runJob(world.staging, tasks, job?.id ?? '');
  const made = await Promise.all(orders.map(({ order }) => copyOf(world.staging, order)));
  expect(made.map(({ state }) => state)).toEqual(['ready', 'ready']);
  expect(new Set(made.map(({ documents_name }) => documents_name)).size).toBe(2);
});
