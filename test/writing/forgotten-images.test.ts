// A day after a transfer the journal gives up the rows before and after it. The history at the destination has what its
// undo needs.
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

/** Makes all transfers here two days old, and lets the journal give up their rows. */
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

test('the journal keeps the rows of a transfer for a day', async () => {
  const { staging } = world;
  const key = { entity: 'business', id: await add(staging, 'business') };
  const sent = await transfer(staging, [key]);
  expect(await forgetImages(staging)).toBe(0);
  const [step] = await stepsOf(staging.sql, sent.id);
  expect(step?.after).toMatchObject({ id: key.id });
});

test('a transfer whose rows the journal gave up is undone: changed, added and removed rows of tables and documents', async () => {
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

test('a row that another program changed since a transfer is skipped by its undo, also when the journal gave up its rows', async () => {
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

test('the journal gives up the rows of a transfer wholly or not at all, even if the process is killed', async () => {
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
