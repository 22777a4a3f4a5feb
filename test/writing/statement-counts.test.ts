// Queries are counted, not timed: their number does not grow with the number of rows.
import { expect, test } from '@jest/globals';
import { statements } from '../../src/database/sql.ts';
import { add, change, transfer } from '../support/rows.ts';
import { openSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const counted = () => (count += 1);
  statements.subscribe(counted);
  try {
    await work();
  } finally {
    statements.unsubscribe(counted);
  }
  return count;
}

async function taskWith(receipts: number) {
  const business = await add(world.staging, 'business');
  const task = await add(world.staging, 'task', { business });
  for (let one = 0; one < receipts; one += 1) await add(world.staging, 'order_receipt', { task });
  return { entity: 'task', id: task };
}

test('the number of statements of a transfer does not depend on the number of dependents', async () => {
  const [few, many] = [await taskWith(2), await taskWith(25)];
  const first = await statementsOf(() => transfer(world.staging, [few]));
  const second = await statementsOf(() => transfer(world.staging, [many]));
  expect(second).toBe(first);
});

test('a list of 50 rows takes as many queries as a list of 2', async () => {
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  const key = await taskWith(1);
  await taskWith(3);
  await transfer(world.staging, [key]);
  const list = () => pm.get('/catalog/task').expect(200);
  await list();
  const few = await statementsOf(list);
  for (let one = 0; one < 48; one += 1) await taskWith(one % 3);
  await change(world.staging, key, { title: 'Changed' });
  await list();
  expect(await statementsOf(list)).toBe(few);
  await site.close();
});
