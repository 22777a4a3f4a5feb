// A write waits for a lock on a whole table no longer than for a lock on a row, and meanwhile writes to other tables
// continue. These tests have a MySQL server of their own, because `flush tables with read lock` would stop other tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, expect, test } from 'vitest';
import { createConnection, type Connection } from 'mysql2/promise';
import { startMysql } from '../../bin/mysql-server.ts';
import { end } from '../../bin/programs.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { writeInOneTransaction } from '../../src/writing/single-transaction.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { App } from '../../src/environments/app.ts';
import { recoverNow, statesOf } from '../support/killing.ts';
import { add, change, contentFor, get, pm, transfer, writeContextOf } from '../support/rows.ts';
import { openWorld, servers, useWorld } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'oneway-locks-'));
const running: ChildProcess[] = [];
let mysql: URL;

const world = useWorld({
  open: async () => {
    mysql = await startMysql(folder, (child) => running.push(child));
    return openWorld('locks', () => {}, { ...servers(), mysql });
  },
});
afterAll(async () => {
  for (const child of running) await end(child);
  rmSync(folder, { recursive: true, force: true });
});

const open: Connection[] = [];

afterEach(() => {
  failpoints.reached = () => {};
  for (const connection of open.splice(0)) connection.destroy();
});

/** Opens a session in an environment’s database, as another program would. */
async function session(here: App) {
  const connection = await createConnection({ uri: new URL(here.settings.sql.name, mysql).href });
  open.push(connection);
  return connection;
}

async function secondsOf(work: () => Promise<unknown>) {
  const start = Date.now();
  await work();
  return (Date.now() - start) / 1000;
}

const addSts = async () => ({
  entity: 'sts',
  id: await add(world.staging, 'sts', {
    business: await add(world.staging, 'business'),
    text: 'Play music',
  }),
});
const addTask = async () => ({
  entity: 'task',
  id: await add(world.staging, 'task', { business: await add(world.staging, 'business') }),
});

const atPoint = (name: string, work: () => Promise<unknown>) => {
  let isDone = false;
  failpoints.reached = async (reached) => {
    if (reached !== name || isDone) return;
    isDone = true;
    await work();
  };
};

test('a transfer into a locked table does not delay transfers into other tables, and completes once the lock is gone (F12)', async () => {
  const { staging, preprod } = world;
  const [sts, task] = [await addSts(), await addTask()];
  const holder = await session(preprod);
  await holder.query('lock tables sts read');
  const sent = secondsOf(() => transfer(staging, [sts]).catch(() => {}));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  // The lock on one table does not stop a transfer into another table. The transfer into the locked table stops waiting
  // within 20 seconds and stays in progress.
  expect(await transfer(staging, [task])).toMatchObject({ state: 'verified' });
  expect(await sent).toBeLessThan(20);
  expect((await statesOf(staging))[0]).toBe('applying');
  await holder.query('unlock tables');
  await recoverNow(staging);
  expect(new Set(await statesOf(staging))).toEqual(new Set(['verified']));
  expect((await get(preprod, sts))['text']).toBe('Play music');
}, 60_000);

test('a refresh from production waits for a locked table before it locks the row of the table clock that other writers need (F12)', async () => {
  const { staging } = world;
  const holder = await session(staging);
  const after = {
    ...contentFor('sts', { business: await add(staging, 'business') }),
    id: 7,
    modified_at: '',
  };
  await holder.query('lock tables sts read');
  const part = writeInOneTransaction(
    writeContextOf(staging),
    pm,
    [{ entity: entityNamed('sts'), before: null, after }],
    { kind: 'refresh' },
  );
  const form = await secondsOf(() => add(staging, 'form'));
  expect(form).toBeLessThan(4);
  expect(await part).toBeNull();
}, 30_000);

test.each([
  [
    'a schema change',
    'alter table sts add column note int null',
    'alter table sts drop column note',
  ],
  ['a lock of all tables', 'flush tables with read lock', 'unlock tables'],
])(
  'a transfer waits while another program locks its table at the destination (%s), and then completes (F12)',
  async (_what, lock, unlock) => {
    const { staging, preprod } = world;
    const sts = await addSts();
    await transfer(staging, [sts]);
    await change(staging, sts, { text: 'Newer' });
    const [holder, reader] = [await session(preprod), await session(preprod)];
    atPoint('open', async () => {
      // A session that still reads the table delays the schema change, and the delayed schema
      // change blocks all later statements.
      await reader.query('start transaction');
      await reader.query('select * from sts');
      void holder.query(lock).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 200));
      setTimeout(() => void reader.query('rollback').then(() => holder.query(unlock)), 6500);
    });
    const seconds = await secondsOf(async () =>
      expect(await transfer(staging, [sts])).toMatchObject({ state: 'verified' }),
    );
    expect(seconds).toBeLessThan(14);
    expect((await get(preprod, sts))['text']).toBe('Newer');
  },
  60_000,
);
