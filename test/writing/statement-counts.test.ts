// These tests count SQL statements instead of measuring time: the number of statements must not grow with the number of
// rows.
import { describe, expect, test } from 'vitest';
import { insertLines } from '../../src/database/bulk.ts';
import { select, sql } from '../../src/database/sql.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { save as saveRow } from '../../src/editing/save.ts';
import { send } from '../../src/transfers/send.ts';
import {
  add,
  change,
  get,
  pm,
  routeFrom,
  sheet,
  transfer,
  version,
  writeContextOf,
} from '../support/rows.ts';
import { openSite } from '../support/people.ts';
import { openProxy } from '../support/proxy.ts';
import { statementsOf } from '../support/statements.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

async function taskWith(receipts: number) {
  const business = await add(world.staging, 'business');
  const task = await add(world.staging, 'task', { business });
  for (let one = 0; one < receipts; one += 1) await add(world.staging, 'order_receipt', { task });
  return { entity: 'task', id: task };
}

/**
 * Counts the statements of a page that was loaded before. Cached answers expire after some seconds, and then one load
 * sends more statements, so the page is loaded twice.
 */
const fewestStatementsOf = async (load: () => Promise<unknown>) =>
  Math.min(await statementsOf(load), await statementsOf(load));

test('the number of SQL statements of a transfer does not depend on the number of dependent rows', async () => {
  const [few, many] = [await taskWith(2), await taskWith(25)];
  // The first transfer is not counted, because it also queries which collations the destination
  // has.
  await transfer(world.staging, [await taskWith(1)]);
  const first = await statementsOf(() => transfer(world.staging, [few]));
  const second = await statementsOf(() => transfer(world.staging, [many]));
  expect(second).toBe(first);
});

test('a click that sends one task with 10 dependent rows takes at most 45 SQL statements in both environments', async () => {
  const { staging } = world;
  const key = await taskWith(10);
  await transfer(staging, [key]);
  await change(staging, key, { message: 'Newer' });
  const { selection, plan } = await sheet(staging, [key]);
  const click = {
    planHash: plan.hash,
    idempotencyKey: 'click',
    name: 'Newer',
    reason: null,
    person: pm.email,
  };
  const count = await statementsOf(() => send(routeFrom(staging), selection, click));
  expect(count).toBeLessThanOrEqual(45);
});

test('saving one task takes at most 24 SQL statements, and at most 30 if the task has no recorded sync state yet', async () => {
  const { staging } = world;
  const task = await taskWith(1);
  const row = await get(staging, task);
  const save = async (message: string, opened: number) => {
    const { id, modified_at: _modified, ...content } = row;
    await saveRow(
      writeContextOf(staging),
      pm,
      { entity: entityNamed('task'), id },
      { ...content, message },
      opened,
    );
  };
  const opened = await version(staging, task);
  expect(await statementsOf(() => save('Newer', opened))).toBeLessThanOrEqual(24);
  expect((await get(staging, task))['message']).toBe('Newer');
  await staging.sql.query('delete from row_state');
  const again = await version(staging, task);
  expect(await statementsOf(() => save('Newest', again))).toBeLessThanOrEqual(30);
});

test('a catalogue list of 50 rows takes as many queries as a list of 2', async () => {
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  const key = await taskWith(1);
  await taskWith(3);
  await transfer(world.staging, [key]);
  const list = () => pm.get('/catalog/task').expect(200);
  await list();
  const few = await fewestStatementsOf(list);
  for (let one = 0; one < 48; one += 1) await taskWith(one % 3);
  await change(world.staging, key, { title: 'Changed' });
  await list();
  expect(await fewestStatementsOf(list)).toBe(few);
  await site.close();
});

describe('the SQL statements of the page Arrived, which lists transfers from the environment before', () => {
  test('the page Arrived takes as many SQL statements for 20 transfers with dependent rows as for one', async () => {
    const site = await openSite(world, 'preprod');
    const pm = await site.as('pm');
    const arrived = () => pm.get('/arrivals').expect(200);
    await transfer(world.staging, [await taskWith(1)]);
    await arrived();
    const few = await fewestStatementsOf(arrived);
    for (let one = 0; one < 20; one += 1) {
      await transfer(world.staging, [await taskWith(one % 3)]);
    }
    await arrived();
    expect(await fewestStatementsOf(arrived)).toBe(few);
    await site.close();
  });

  test('the page Arrived reads less than 50 kB for a transfer of 10,000 rows', async () => {
    await transfer(world.staging, [await taskWith(1)]);
    await enlargeArrival(10_000);
    const proxy = await openProxy(Number(world.variables.preprod['SQL_DB_PORT']));
    const site = await openSite(world, 'preprod', { SQL_DB_PORT: String(proxy.port) });
    const pm = await site.as('pm');
    await pm.get('/arrivals').expect(200);
    const before = proxy.bytes();
    const { text } = await pm.get('/arrivals').expect(200);
    expect(proxy.bytes() - before).toBeLessThan(50_000);
    expect(text.match(/name="rows"/g)).toHaveLength(50);
    await site.close();
    proxy.close();
  });
});

/** Enlarges the arrived transfer to the given number of rows, with long texts. */
async function enlargeArrival(rows: number) {
  const { sql: pool } = world.preprod;
  await pool.query("delete from arrival where entity <> 'task'");
  await pool.query("update arrival set at = '2026-01-01', name = 'All banners', reason = null");
  const [head] = await select<{ transfer: string; chain: string }>(
    pool,
    sql`select transfer, chain from arrival`,
  );
  const lines = Array.from({ length: rows }, (_one, index) => [
    head?.transfer ?? '',
    index + 100,
    'banner',
    index + 1,
    'banner',
    index + 1,
    `Banner ${index}`,
    'update',
    'transfer',
    'All banners',
    'pm@example.com',
    'staging',
    '2026-01-01',
    head?.chain ?? '[]',
    1,
  ]);
  await insertLines(
    pool,
    sql`insert into arrival (transfer, seq, entity, row_id, root_entity, root_id, title, action, kind,
          name, person, origin, at, chain, version) values`,
    lines,
  );
  // The first rows, which the page lists, wait to be sent on.
  await pool.query(
    `insert into row_state (entity, row_id, root_entity, root_id, title, hash, version,
       created_by, created_at, changed_by, changed_at)
     select entity, row_id, root_entity, root_id, title, sha2(title, 256), version,
       person, at, person, at from arrival where entity = 'banner' and row_id <= 50`,
  );
}
