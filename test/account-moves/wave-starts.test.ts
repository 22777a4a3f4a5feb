// How many rows MySQL reads to start the next accounts of a wave (a set of accounts that are migrated in the
// background) of 100,000 accounts.
import { expect, test } from 'vitest';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { advanceWaves } from '../../src/account-moves/wave-starts.ts';
import { first, run, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { addMany, rowsRead } from '../support/many-moves.ts';
import { useMoves } from '../support/moves.ts';

const world = useMoves();

const queue = { push: async () => {}, pushAll: async () => {}, close: async () => {} };

/**
 * Returns the environment with a single connection, so that the counters of its session include all
 * rows that are read.
 */
function through(connection: PoolConnection): App {
  const kept: PoolConnection = Object.create(connection, { release: { value: () => {} } });
  const pool = Object.create(world.staging.sql, {
    getConnection: { value: () => Promise.resolve(kept) },
  }) as Pool;
  return { ...world.staging, sql: pool };
}

const advanced = () =>
  rowsRead(world.staging.sql, (connection) => advanceWaves(queue)(through(connection)));
const stateOf = () => first(world.staging.sql, sql`select state from wave where id = 1`);

test('starting the next accounts of a migration wave of 100,000 accounts reads fewer than 300 rows, and so does ending the wave', async () => {
  const { sql: on } = world.staging;
  await addMany(on);
  const change = (statement: ReturnType<typeof sql>) => run(on, statement);
  await change(sql`update wave set state = 'running'`);
  await change(sql`update account_move set wave_id = 1`);
  // Half of the accounts of the wave wait, and two are being migrated: as many as the wave allows at a time.
  await change(sql`update wave_account set run = null order by account_id desc limit 50000`);
  await change(
    sql`update account_move set migration_status = 'migrating' order by account_id limit 2`,
  );
  expect(await advanced()).toBeLessThan(100);
  await change(
    sql`update account_move set migration_status = 'completed', asked_at = utc_timestamp(3)`,
  );
  expect(await advanced()).toBeLessThan(300);
  expect(await stateOf()).toEqual({ state: 'running' });
  await change(sql`update wave_account set run = 1`);
  await change(
    sql`update account_move set migration_status = 'migrating', wave_id = null order by account_id limit 1`,
  );
  expect(await advanced()).toBeLessThan(100);
  expect(await stateOf()).toEqual({ state: 'running' });
  await change(sql`update account_move set migration_status = 'completed'`);
  expect(await advanced()).toBeLessThan(100);
  expect(await stateOf()).toEqual({ state: 'done' });
}, 120_000);
