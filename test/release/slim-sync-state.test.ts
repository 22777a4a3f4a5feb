// Version 1.8.0 wrote a record in row_state and one in destination_state for every row. Superfluous records are
// replaced by a base (the hash at which the row was last equal in its environment and the next one), even if the
// process is killed.
import { afterEach, expect, test } from 'vitest';
import { hashOf, canonical } from '../../src/catalog/content.ts';
import { textOf } from '../../src/catalog/fields.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { matrix } from '../../src/comparison/matrix.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { first, name, run, sql } from '../../src/database/sql.ts';
import { insertRows } from '../../src/database/bulk.ts';
import { raiseIds } from '../../src/environments/ids.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { slimSyncState } from '../../src/release/slim-sync-state.ts';
import { read } from '../../src/rows/store.ts';
import { tasks } from '../../src/tasks.ts';
import { add, change, pm } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const { reached } = failpoints;
afterEach(() => {
  failpoints.reached = reached;
});

/** How many rows the test adds; `bin/test --long` sets 100,000. */
const ROWS = Number(process.env['SLIMMED_ROWS'] ?? 3500);
const business = entityNamed('business');

/**
 * Adds the same businesses to staging and pre-production, with the sync state that a refresh of version 1.8.0 wrote.
 */
async function fillAsBefore() {
  const { staging, preprod } = world;
  for (const here of [staging, preprod]) {
    await insertRows(
      here.sql,
      'business',
      Array.from({ length: ROWS }, (_one, index) => ({
        id: index + 1,
        name: `Business ${index + 1}`,
        category: 'Health',
        active: 1,
        priority: 5,
        modified_at: '2026-01-01',
      })),
    );
  }
  for (let from = 1; from <= ROWS; from += 1000) {
    const keys = Array.from({ length: Math.min(1000, ROWS - from + 1) }, (_one, index) => ({
      entity: 'business',
      id: from + index,
    }));
    const rows = [...(await read(staging, keys)).values()];
    const at = '2026-01-02 00:00:00.000';
    await insertRows(
      staging.sql,
      'row_state',
      rows.map((row) => ({
        entity: 'business',
        row_id: row.id,
        root_entity: 'business',
        root_id: row.id,
        title: textOf(row['name']),
        hash: hashOf(business, row),
        version: 1,
        created_by: 'refresh',
        created_at: at,
        changed_by: 'refresh',
        changed_at: at,
      })),
    );
    await insertRows(
      staging.sql,
      'destination_state',
      rows.map((row) => ({
        entity: 'business',
        row_id: row.id,
        observed_hash: hashOf(business, row),
        observed_at: at,
        base_hash: hashOf(business, row),
        base_content: canonical(business, row),
        base_at: at,
      })),
    );
  }
}

const countOf = async (table: 'row_state' | 'destination_state') =>
  (
    await first<{ count: number }>(
      world.staging.sql,
      sql`select count(*) as count from ${name(table)}`,
    )
  )?.count;

const statusesNow = async () =>
  Object.fromEntries((await matrix(world.staging.sql)).get('business') ?? []);

test('removing superfluous records from row_state and destination_state changes no row’s status, even if the process is killed', async () => {
  const { staging, preprod } = world;
  await fillAsBefore();
  await raiseIds(staging, 'business', [ROWS]);
  const key = (id: number) => ({ entity: 'business', id });
  await change(staging, key(1), { description: 'Newer' });
  await change(preprod, key(2), { description: 'Newer there' });
  await run(
    staging.sql,
    sql`update row_state set held_by = 'ana@example.com', held_at = now(3) where row_id = 3`,
  );
  await run(staging.sql, sql`delete from business where id = 4`);
  await run(preprod.sql, sql`delete from business where id = 5`);
  await add(staging, 'business');
  const { job } = await requestComparison(staging, pm.email);
  expect((await runJob(staging, tasks, job.id))?.state).toBe('done');
  const before = await statusesNow();
  expect(before).toEqual({
    'In sync': ROWS - 4,
    'Changed here': 1,
    'Changed there': 1,
    'Deleted here': 1,
    'Deleted there': 1,
    New: 1,
  });
  let kills = 0;
  for (let reachedAt = 1; ; reachedAt += 1) {
    let left = reachedAt;
    failpoints.reached = (name) => {
      if (name === 'sync state slimmed' && --left === 0) throw new Error('killed');
    };
    const isOver = await slimSyncState(staging).then(
      () => true,
      () => false,
    );
    expect(await statusesNow()).toEqual(before);
    if (isOver) break;
    kills += 1;
  }
  failpoints.reached = reached;
  expect(kills).toBeGreaterThan(0);
  // The tables row_state and destination_state keep the records of rows that were changed, that are marked Not for
  // production, or that differ from the next environment.
  expect([await countOf('row_state'), await countOf('destination_state')]).toEqual([6, 5]);
  expect(await slimSyncState(staging)).toBe(0);
}, 600_000);
