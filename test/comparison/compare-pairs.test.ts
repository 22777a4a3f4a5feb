// comparePairs() pairs rows of staging with the same rows of pre-production, with as few queries of each table as
// possible.
import type { Pool } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { statements, type Statement } from '../../src/database/sql.ts';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { comparePairs } from '../../src/comparison/compare-pairs.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { add, change, pm, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/**
 * Compares rows. Returns the pairs, and the number of SQL statements that read rows of each table.
 */
async function compare(keys: RowKey[]) {
  const reads: Record<string, number> = {};
  const count = (statement: unknown) => {
    const table = /^select (?:\*|r\.\*.*) from `(\w+)`/s.exec(
      (statement as Statement).text.trim(),
    )?.[1];
    if (table) reads[table] = (reads[table] ?? 0) + 1;
  };
  statements.subscribe(count);
  const pairs = await comparePairs(world.staging, world.preprod, keys).finally(() =>
    statements.unsubscribe(count),
  );
  return { pairs, reads };
}

test('comparing a row that exists only in staging reads each table once in each environment', async () => {
  const id = await add(world.staging, 'business');
  const { pairs, reads } = await compare([{ entity: 'business', id }]);
  expect(pairs.get(`business:${id}`)).toMatchObject({ here: { id }, there: null });
  expect(reads).toEqual({ business: 2, external_tool: 2 });
});

test('comparing a row that exists in neither environment reads each table once in each environment', async () => {
  const { pairs, reads } = await compare([{ entity: 'business', id: 12 }]);
  expect(pairs.get('business:12')).toMatchObject({ here: null, there: null, status: null });
  expect(reads).toEqual({ business: 2, external_tool: 2 });
});

test('comparing a task reads the table of dependent rows a second time only in the environment that lacks a dependent row', async () => {
  const business = await add(world.staging, 'business');
  const task = await add(world.staging, 'task', { business });
  await transfer(world.staging, [{ entity: 'task', id: task }]);
  const receipt = await add(world.staging, 'order_receipt', { task });
  const { pairs, reads } = await compare([{ entity: 'task', id: task }]);
  expect(pairs.get(`order_receipt:${receipt}`)).toMatchObject({ here: { task }, there: null });
  expect(reads).toEqual({ task: 2, order_receipt: 3 });
});

test('comparing a row finds a dependent row that has another parent row at the destination', async () => {
  const business = await add(world.staging, 'business');
  const [former, task] = [
    await add(world.staging, 'task', { business }),
    await add(world.staging, 'task', { business }),
  ];
  const receipt = await add(world.staging, 'order_receipt', { task: former });
  await transfer(world.staging, [
    { entity: 'task', id: former },
    { entity: 'task', id: task },
  ]);
  await change(world.staging, { entity: 'order_receipt', id: receipt }, { task });
  const { pairs } = await compare([{ entity: 'task', id: task }]);
  expect(pairs.get(`order_receipt:${receipt}`)).toMatchObject({
    here: { task },
    there: { task: former },
  });
});

test('a pair has the last common content of its row, even after other programs have changed the row on both sides', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'business', id: await add(staging, 'business', { name: 'At first' }) };
  const baseNow = async () => (await compare([key])).pairs.get(keyText(key))?.base;
  const rename = (on: Pool, name: string) =>
    on.query('update business set name = ? where id = ?', [name, key.id]);
  await transfer(staging, [key]);
  expect(await baseNow()).toMatchObject({ name: 'At first' });
  await rename(staging.sql, 'Ours');
  expect(await baseNow()).toMatchObject({ name: 'At first' });
  // The comparison stores the content, which no row has after the next change, and no history.
  await runJob(staging, tasks, (await requestComparison(staging, pm.email)).job.id);
  await rename(preprod.sql, 'Theirs');
  expect(await baseNow()).toMatchObject({ name: 'At first' });
  await staging.sql.query('update destination_state set base_content = null');
  expect(await baseNow()).toBeNull();
});
