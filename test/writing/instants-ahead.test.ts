// Rows, documents and deletions whose timestamp lies in the future: a later change of the same row gets a still later
// timestamp, and all other rows get the present time.
import { afterEach, describe, expect, test } from 'vitest';
import type { RowKey } from '../../src/catalog/entity.ts';
import { START, pageOf, type Place } from '../../src/api/feed.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import type { App } from '../../src/environments/app.ts';
import { releaseChecks } from '../../src/release/checks.ts';
import { instantsAhead } from '../../src/state/instants-ahead.ts';
import { stepsOf } from '../../src/writing/journal.ts';
import { elsewhere } from '../support/killing.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, get, pm, sheet, transfer, undo, writeContextOf } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
afterEach(async () => {
  for (const here of [world.staging, world.preprod])
    await here.sql.query("update clock set instant = '2000-01-01' where name = 'clock'");
});

const FUTURE = '2099-01-01T00:00:00.000Z';
const MINUTE = 60_000;

async function addSts(): Promise<RowKey> {
  const business = await add(world.staging, 'business');
  return { entity: 'sts', id: await add(world.staging, 'sts', { business, text: 'Hello' }) };
}

const date = (here: App, { entity, id }: RowKey, instant: string) =>
  entity === 'form'
    ? here.documents
        .collection<{ _id: number }>('form')
        .updateOne({ _id: id }, { $set: { modified_at: new Date(instant) } })
    : here.sql.query(`update ${entity} set modified_at = ? where id = ?`, [
        instant.replace('T', ' ').replace('Z', ''),
        id,
      ]);

const isNow = (instant: string) => Math.abs(Date.parse(instant) - Date.now()) < MINUTE;
const modified = async (here: App, key: RowKey) => (await get(here, key)).modified_at;

/**
 * Adds a row to staging and pre-production, gives it this `modified_at` in pre-production, and changes it in staging.
 */
async function datedThere(entity: 'sts' | 'form', instant: string) {
  const { staging, preprod } = world;
  const key = entity === 'sts' ? await addSts() : { entity, id: await add(staging, 'form') };
  await transfer(staging, [key]);
  await date(preprod, key, instant);
  await change(staging, key, entity === 'sts' ? { text: 'Newer' } : { description: 'Newer' });
  return key;
}

describe.each(['sts', 'form'] as const)('a row (%s) with a future modified_at', (entity) => {
  test('a transfer gives a row with a future modified_at a still later one, and all other rows the present time (F8)', async () => {
    const { staging, preprod } = world;
    const key = await datedThere(entity, FUTURE);
    const other = { entity: 'form', id: await add(staging, 'form') };
    const sent = await transfer(staging, [key, other]);
    expect(sent.state).toBe('verified');
    expect(await modified(preprod, key)).toBe('2099-01-01T00:00:00.001Z');
    expect(isNow(await modified(preprod, other))).toBe(true);
    const [step] = (await stepsOf(staging.sql, sent.id)).filter(
      ({ id, entity: of }) => id === key.id && of === key.entity,
    );
    expect(step?.remark?.ahead).toEqual({ instant: FUTURE, isLast: false });
    await change(staging, other, { description: 'Newest' });
    await transfer(staging, [other]);
    expect(isNow(await modified(preprod, other))).toBe(true);
    await undo(staging, sent, [key]);
    expect(await modified(preprod, key)).toBe('2099-01-01T00:00:00.002Z');
    const [clock] = (
      await preprod.sql.query("select instant from clock where name = 'clock'")
    )[0] as { instant: string }[];
    expect(isNow(`${clock?.instant.replace(' ', 'T')}Z`)).toBe(true);
  });

  test('a row with the latest possible modified_at can be sent: it gets the present time, and the page of the transfer says so (F8)', async () => {
    const { staging, preprod } = world;
    const last = '9999-12-31T23:59:59.999Z';
    const key = await datedThere(entity, last);
    const sent = await transfer(staging, [key]);
    expect(sent.state).toBe('verified');
    expect(isNow(await modified(preprod, key))).toBe(true);
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const { text } = await client.get(`/transfers/${sent.number}`);
    expect(textOf(text)).toContain('no later one can be stored: it has the present time');
    await site.close();
  });

  test('the transfer sheet, the check before a release and the metrics report a row with a future modified_at (F8)', async () => {
    const { staging } = world;
    const key = await datedThere(entity, FUTURE);
    const { plan } = await sheet(staging, [key]);
    expect(plan.warnings).toMatchObject([{ reason: 'instant-ahead', row: key }]);
    expect(plan.problems).toEqual([]);
    const wrong = (await releaseChecks(staging)).filter(({ detail }) => detail.includes(FUTURE));
    expect(wrong).toMatchObject([{ isThere: false }]);
    const site = await openSite(world, 'preprod');
    const { text } = await (await site.as(null)).get('/metrics');
    const kind = entity === 'sts' ? 'row' : 'document';
    expect(text).toMatch(new RegExp(`oneway_instants_ahead\\{kind="${kind}"[^}]*\\} 1`));
    await site.close();
  });

  test('a deletion of a row with a future modified_at gets a later timestamp than the row, and its undo a still later one (F8)', async () => {
    const { staging, preprod } = world;
    const key = await datedThere(entity, FUTURE);
    const { number: _number, ...sent } = await transfer(staging, [key]);
    await remove(writeContextOf(staging), pm, entityNamed(entity), key.id);
    const gone = await transfer(staging, [key]);
    const [state] = (
      await preprod.sql.query('select deleted_at from row_state where entity = ? and row_id = ?', [
        entity,
        key.id,
      ])
    )[0] as { deleted_at: string }[];
    expect(state?.deleted_at).toBe('2099-01-01 00:00:00.002');
    await undo(staging, gone);
    expect(await modified(preprod, key)).toBe('2099-01-01T00:00:00.003Z');
    expect(sent.state).toBe('verified');
  });

  test('a row with a future modified_at does not make apps miss later changes (F8)', async () => {
    const { staging, preprod } = world;
    const key = await datedThere(entity, FUTURE);
    await transfer(staging, [key]);
    const read = (from: Place) => pageOf(preprod, entityNamed(entity), from, 100);
    const first = await read({ ...START, certainUpTo: null });
    expect(first.items.map(({ id }) => id)).toContain(key.id);
    const later = entity === 'sts' ? await addSts() : { entity, id: await add(staging, 'form') };
    await transfer(staging, [later]);
    const next = await read(first.next);
    expect(next.items.map(({ id }) => id)).toContain(later.id);
  });
});

test('a modified_at that lies only 20 seconds in the future is accepted, and the next write of the row gets a later one (F8)', async () => {
  const { staging, preprod } = world;
  const soon = new Date(Date.now() + 20_000).toISOString();
  const key = await datedThere('sts', soon);
  await transfer(staging, [key]);
  expect((await modified(preprod, key)) > soon).toBe(true);
  expect((await instantsAhead(preprod)).numbers.row).toBe(0);
});

test('a server whose clock is an hour fast gives no row a future modified_at (F8)', async () => {
  const { staging, preprod, variables } = world;
  const [one, other] = [await addSts(), await addSts()];
  const order = { variables: variables.staging, at: null, skew: 3_600_000 };
  const { code } = await elsewhere({ ...order, task: { do: 'transfer', keys: [one] } }).ended;
  expect(code).toBe(0);
  await transfer(staging, [other]);
  const [first, second] = [await modified(preprod, one), await modified(preprod, other)];
  expect([isNow(first), isNow(second), first < second]).toEqual([true, true, true]);
});

test('if the clock that an environment stores in its database lies in the future, timestamps stay in order, and the sheet warns (F8)', async () => {
  const { staging, preprod } = world;
  await preprod.sql.query("update clock set instant = '2099-01-01' where name = 'clock'");
  const key = await addSts();
  expect((await sheet(staging, [key])).plan.warnings).toMatchObject([{ reason: 'clock-ahead' }]);
  expect((await instantsAhead(preprod)).numbers.clock).toBe(1);
  await transfer(staging, [key]);
  expect(await modified(preprod, key)).toBe('2099-01-01T00:00:00.001Z');
});

test('saving a row with a future modified_at gives no other row a future timestamp (F8)', async () => {
  const { staging } = world;
  const key = await addSts();
  await date(staging, key, FUTURE);
  await change(staging, key, { text: 'Newer' });
  expect(await modified(staging, key)).toBe('2099-01-01T00:00:00.001Z');
  expect(isNow(await modified(staging, await addSts()))).toBe(true);
});
