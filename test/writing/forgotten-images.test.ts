// A day after a transfer, the rows of its steps are deleted from Oneway’s journal of writes. An undo then reads them
// from the history at the destination.
import { afterEach, expect, test } from 'vitest';
import { keyText } from '../../src/catalog/entity.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { first, run, sql } from '../../src/database/sql.ts';
import { forgetImages } from '../../src/writing/forget-images.ts';
import { stepsOf } from '../../src/writing/steps.ts';
import { add, change, get, has, transfer, undo, undoSheet } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const { reached } = failpoints;
afterEach(() => {
  failpoints.reached = reached;
});

/** Makes all transfers of staging two days old, and deletes their rows from the journal. */
async function forget() {
  const { sql: on } = world.staging;
  await run(
    on,
    sql`update transfer set ended_at = ended_at - interval 2 day where ended_at is not null`,
  );
  return forgetImages(world.staging);
}

const imagesLeft = async () =>
  (
    await first<{ sides: string | null }>(
      world.staging.sql,
      sql`select group_concat(distinct b.side) as sides from step_image_bundle b
            join transfer t on t.id = b.transfer where t.origin <> t.destination`,
    )
  )?.sides;

test('Oneway’s journal of writes keeps the rows of a transfer’s steps for a day', async () => {
  const { staging } = world;
  const key = { entity: 'business', id: await add(staging, 'business') };
  const sent = await transfer(staging, [key]);
  expect(await forgetImages(staging)).toBe(0);
  const [step] = await stepsOf(staging.sql, sent.id);
  expect(step?.after).toMatchObject({ id: key.id });
});

test('a transfer can be undone after its rows were deleted from Oneway’s journal of writes, and that undo can be undone, too', async () => {
  const { staging, preprod } = world;
  const business = { entity: 'business', id: await add(staging, 'business') };
  const form = { entity: 'form', id: await add(staging, 'form') };
  await transfer(staging, [business, form]);
  const before = await get(preprod, business);
  await change(staging, business, { description: 'Newer' });
  await change(staging, form, { description: 'Newer' });
  const added = { entity: 'business', id: await add(staging, 'business') };
  const sent = await transfer(staging, [business, form, added]);
  await forget();
  expect(await imagesLeft()).toBe('hash');
  const back = await undo(staging, sent);
  expect(back.state).toBe('verified');
  expect(await get(preprod, business)).toMatchObject({ description: before['description'] });
  expect(await has(preprod, added)).toBe(false);
  await forget();
  const keys = [business, form, added].map(keyText);
  const again = await undo(staging, back, [], 'Too early again', undefined, { again: keys });
  expect(again.state).toBe('verified');
  expect(await get(preprod, business)).toMatchObject({ description: 'Newer' });
  expect(await get(preprod, form)).toMatchObject({ description: 'Newer' });
  expect(await has(preprod, added)).toBe(true);
});

test('an undo skips a row that another program has changed, even after the transfer’s rows were deleted from Oneway’s journal', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'business', id: await add(staging, 'business') };
  await transfer(staging, [key]);
  await change(staging, key, { description: 'Newer' });
  const sent = await transfer(staging, [key]);
  await forget();
  await preprod.sql.query("update business set description = 'By another program' where id = ?", [
    key.id,
  ]);
  const { plan } = await undoSheet(staging, sent);
  expect(plan.steps).toEqual([]);
  expect(plan.skipped).toMatchObject([{ row: key }]);
});

test('either all rows of a transfer are deleted from Oneway’s journal of writes or none, even if the process is killed meanwhile', async () => {
  const { staging } = world;
  const sent = [];
  for (let count = 0; count < 2; count += 1) {
    const key = { entity: 'business', id: await add(staging, 'business') };
    sent.push(await transfer(staging, [key]));
  }
  failpoints.reached = async (name) => {
    if (name === 'images forgotten') throw new Error('killed');
  };
  await expect(forget()).rejects.toThrow('killed');
  failpoints.reached = reached;
  await forgetImages(staging);
  expect(await imagesLeft()).toBe('hash');
  for (const one of sent) expect((await undo(staging, one)).state).toBe('verified');
});
