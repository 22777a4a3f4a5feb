// A write that is refused after it was recorded in Oneway’s journal of writes reports a reason code and the row, and
// names a remedy.
import { afterEach, describe, expect, test } from 'vitest';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { App } from '../../src/environments/app.ts';
import { Conflict } from '../../src/problems.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { byId, type Transfer } from '../../src/writing/journal.ts';
import { refusalOf } from '../../src/writing/refusal.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, get, transfer } from '../support/rows.ts';
import { createTrigger } from '../support/triggers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const made: [App, string][] = [];
afterEach(async () => {
  failpoints.reached = () => {};
  for (const [here, statement] of made.splice(0)) await here.sql.query(statement);
});

async function addSts(text = 'Hello'): Promise<RowKey> {
  const business = await add(world.staging, 'business');
  return { entity: 'sts', id: await add(world.staging, 'sts', { business, text }) };
}

/** Runs `act` at the destination once, when a write reaches a step. */
function meanwhile(point: string, act: () => Promise<unknown>) {
  failpoints.reached = async (name) => {
    if (name !== point) return;
    failpoints.reached = () => {};
    await act();
  };
}

const onThere =
  (statement: string, values: unknown[] = []) =>
  () =>
    world.preprod.sql.query(statement, values);

async function trigger(here: App, when: string, message: string) {
  const name = `odd_${made.length}`;
  await createTrigger(
    here,
    name,
    `${when} for each row signal sqlstate '45000' set message_text = '${message}'`,
  );
  made.push([here, `drop trigger ${name}`]);
}

async function problemOf({ id }: Transfer) {
  const line = await byId(world.staging.sql, id);
  return { state: line?.state, reason: line?.problem_reason, row: line?.problem_row };
}

describe('a transfer that is refused after it was recorded in Oneway’s journal of writes', () => {
  test.each(['journal', 'open'])(
    'a transfer is rolled back and names the row if a row is changed at the destination at the step “%s”',
    async (at) => {
      const { staging } = world;
      const key = await addSts();
      await transfer(staging, [key]);
      await change(staging, key, { text: 'Newer' });
      meanwhile(at, onThere("update sts set text = 'By hand' where id = ?", [key.id]));
      expect(await problemOf(await transfer(staging, [key]))).toEqual({
        state: 'rolled_back',
        reason: 'changed-there',
        row: `sts:${key.id}`,
      });
    },
  );

  test('a transfer is refused and names the referenced row if that row is removed at the destination meanwhile', async () => {
    const { staging } = world;
    const key = await addSts();
    const business = Number((await get(staging, key))['business']);
    await transfer(staging, [{ entity: 'business', id: business }]);
    meanwhile('journal', onThere('delete from business where id = ?', [business]));
    expect(await problemOf(await transfer(staging, [key]))).toMatchObject({
      reason: 'parent-missing',
      row: `business:${business}`,
    });
  });

  test('a transfer is refused with the reason “updating” if the destination’s database begins to be migrated to another version', async () => {
    const { staging, preprod } = world;
    const versions = preprod.documents.collection('metadata');
    const key = await addSts();
    meanwhile('journal', () => versions.updateOne({}, { $set: { isUpdating: true } }));
    const sent = await transfer(staging, [key]);
    await versions.updateOne({}, { $set: { isUpdating: false } });
    expect(await problemOf(sent)).toMatchObject({ state: 'refused', reason: 'updating' });
  });

  test('a transfer that a trigger of the destination refuses has the reason “rule-there”, and its page names a solution', async () => {
    const { staging, preprod } = world;
    await trigger(preprod, 'before insert on sts', 'not on a Sunday');
    const key = await addSts();
    const sent = await transfer(staging, [key]);
    expect(await problemOf(sent)).toMatchObject({ state: 'rolled_back', reason: 'rule-there' });
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const { text } = await client.get(`/transfers/${sent.number}`);
    expect(text).toContain('data-reason="rule-there"');
    expect(textOf(text)).toContain('Change the value here, then review the sheet again.');
    const sheet = /href="(\/selections\/[^"]+)"/.exec(text)?.[1] ?? '';
    expect((await client.get(sheet)).status).toBe(200);
    await site.close();
  });

  test('a transfer is refused with the reason “unique-taken” if another row takes its name at the destination meanwhile', async () => {
    const { staging, preprod } = world;
    const id = await add(staging, 'business', { name: 'Chai corner' });
    meanwhile('journal', () => add(preprod, 'business', { name: 'Chai corner' }));
    const sent = await transfer(staging, [{ entity: 'business', id }]);
    expect(await problemOf(sent)).toEqual({
      state: 'refused',
      reason: 'unique-taken',
      row: `business:${id}`,
    });
  });
});

test('a save that the database refuses has a reason code, just as a refused transfer has', async () => {
  const { staging } = world;
  const key = await addSts();
  await trigger(staging, 'before update on sts', 'not on a Sunday');
  const refused = await change(staging, key, { text: 'Newer' }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Conflict);
  expect(refused).toMatchObject({ reason: 'rule-there' });
});

test.each([
  [{ sqlMessage: 'x', errno: 1406 }, 'value-too-long'],
  [{ sqlMessage: 'x', errno: 1048 }, 'value-missing'],
  [{ sqlMessage: 'x', errno: 1366 }, 'value-unfit'],
  [{ sqlMessage: 'x', errno: 1054 }, 'column-missing'],
  [{ sqlMessage: 'x', errno: 1451 }, 'still-used'],
  [{ sqlMessage: 'x', errno: 1452 }, 'parent-missing'],
  [{ sqlMessage: 'x', errno: 3819 }, 'rule-there'],
  [{ sqlMessage: 'x', errno: 4025 }, 'rule-there'],
  [{ sqlMessage: 'x', errno: 9999 }, 'refused-there'],
  [{ sqlMessage: 'x', errno: 1142 }, 'denied'],
  [{ sqlMessage: 'x', errno: 1290 }, 'read-only'],
  [{ name: 'MongoServerError', errmsg: 'x', code: 121 }, 'rule-there'],
  [{ name: 'MongoServerError', errmsg: 'x', code: 11_000 }, 'unique-taken'],
  [{ name: 'MongoServerError', errmsg: 'x', code: 10_334 }, 'value-too-long'],
])('the database error %j has the reason code %s', (error, reason) => {
  const work = { there: world.preprod, steps: [] };
  expect(refusalOf(error, work)).toMatchObject({ reason, row: null });
});
