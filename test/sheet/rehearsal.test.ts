// A rehearsal tries the MySQL half of a transfer at the destination and rolls it back. It shows errors that only the
// MySQL server there can find, and leaves nothing behind.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { rehearse } from '../../src/sheet/rehearsal.ts';
import { contents } from '../support/checker.ts';
import { claimsIn } from '../support/killing.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, routeFrom, sheet, transfer } from '../support/rows.ts';
import { createTrigger } from '../support/triggers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
afterEach(() => world.preprod.sql.query('drop trigger if exists frozen'));

async function newTask() {
  const { staging } = world;
  await add(staging, 'city', { name: 'Pune' });
  const business = await add(staging, 'business', { cities: [{ city: 'Pune', partner: null }] });
  return { entity: 'task', id: await add(staging, 'task', { business }) };
}

test('a rehearsal, which tries a transfer and rolls it back, reports that MySQL accepts the rows, and leaves no rows and no claims on rows', async () => {
  const { staging, preprod } = world;
  const task = await newTask();
  const form = { entity: 'form', id: await add(staging, 'form') };
  const { selection } = await sheet(staging, [task, form], { create: ['city:Pune'] });
  const before = await contents(preprod);
  expect(await rehearse(routeFrom(staging), selection)).toEqual({
    isRefused: false,
    text: 'Rehearsed: MySQL in pre-production accepts all 3 rows. Nothing was kept. Not rehearsed: 1 row, which is a document.',
  });
  expect(await contents(preprod)).toEqual(before);
  expect(await claimsIn(preprod)).toBe(0);
  expect((await transfer(staging, [task], { create: ['city:Pune'] })).state).toBe('verified');
});

test('a rehearsal, which tries a transfer and rolls it back, reports the error with which MySQL refuses a row', async () => {
  const { staging, preprod } = world;
  const task = await newTask();
  await createTrigger(
    preprod,
    'frozen',
    "before insert on task for each row signal sqlstate '45000' set message_text = 'tasks are frozen'",
  );
  const { selection } = await sheet(staging, [task], { create: ['city:Pune'] });
  expect(await rehearse(routeFrom(staging), selection)).toEqual({
    isRefused: true,
    text: expect.stringContaining('tasks are frozen'),
  });
});

test('a rehearsal, which tries a transfer and rolls it back, stops within seconds when another connection has locked the row', async () => {
  const { staging, preprod } = world;
  const task = await newTask();
  await transfer(staging, [task], { create: ['city:Pune'] });
  await change(staging, task, { title: 'Newer' });
  const holder = await preprod.writers.getConnection();
  await holder.query('start transaction');
  await holder.query(`select * from task where id = ${task.id} for update`);
  const { selection } = await sheet(staging, [task]);
  const start = Date.now();
  await expect(rehearse(routeFrom(staging), selection)).rejects.toThrow('could not be rehearsed');
  expect(Date.now() - start).toBeLessThan(4000);
  await holder.query('rollback');
  holder.release();
});

test('a rehearsal, which tries a transfer and rolls it back, locks rows in the order of all writers, so that they cannot deadlock', async () => {
  const { staging, preprod } = world;
  const keys = await Promise.all(
    ['business', 'banner'].map(async (entity) => ({ entity, id: await add(staging, entity) })),
  );
  await transfer(staging, keys);
  await change(staging, keys[0]!, { name: 'Newer' });
  await change(staging, keys[1]!, { title: 'Newer' });
  const { selection } = await sheet(staging, keys);
  const holder = await preprod.writers.getConnection();
  await holder.query('start transaction');
  await holder.query(`select id from banner where id = ${keys[1]!.id} for update`);
  const rehearsal = expect(rehearse(routeFrom(staging), selection)).rejects.toThrow('Try again');
  await sleep(500);
  await holder.query(`select id from business where id = ${keys[0]!.id} for update nowait`);
  await rehearsal;
  await holder.query('rollback');
  holder.release();
});

test('after a rehearsal, which tries a transfer and rolls it back, the transfer sheet still shows the values that the user typed', async () => {
  const form = { entity: 'business', id: await add(world.staging, 'business') };
  const site = await openSite(world, 'staging');
  const client = await site.as('pm');
  const chosen = await client.post('/selections', { rows: `business:${form.id}` });
  const address = String(chosen.headers['location']);
  const page = await client.post(`${address}/rehearsal`, {
    reason: 'A long reason',
    name: 'Launch',
  });
  expect(textOf(page.text)).toContain('Rehearsed: MySQL in pre-production accepts the row');
  expect(page.text).toContain('value="A long reason"');
  await site.close();
});
