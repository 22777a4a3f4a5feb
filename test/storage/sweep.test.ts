// Tests the cleanup of unused images: it deletes images that nothing in the databases of this environment refers to,
// and only in a store that no other environment uses.
import { beforeEach, expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { hasImage, keepImage } from '../../src/storage/images.ts';
import { leaveMark, sweepDaily, sweepImages } from '../../src/storage/sweep.ts';
import { textOf as fieldText } from '../../src/catalog/fields.ts';
import { picture } from '../support/images.ts';
import { add, change, get, transfer, undo } from '../support/rows.ts';
import { all } from '../support/storage.ts';
import { useWorld } from '../support/world.ts';

const DAY = 24 * 60 * 60 * 1000;
const GRACE = 7 * DAY;
const world = useWorld();
beforeEach(async () => {
  for (const here of [world.staging, world.preprod, world.production]) {
    for (const name of await readdir(folderOf(here))) {
      await rm(join(folderOf(here), name), { recursive: true });
    }
  }
});

const folderOf = ({ settings }: App) => {
  const { own } = settings.storage.stores;
  return own.kind === 'folder' ? own.path : '';
};

const keep = async (here: App) => keepImage(here.storage, 'icon', await picture());

/**
 * Makes every file in the store look this many days older, including the mark that the environment
 * leaves in the store.
 */
async function age(here: App, days: number) {
  await leaveMark(here);
  const then = new Date(Date.now() - days * DAY);
  for (const path of await readdir(folderOf(here), { recursive: true })) {
    await utimes(join(folderOf(here), path), then, then);
  }
}

test('the cleanup of unused images removes an old image without references, and keeps one that a row references', async () => {
  const { staging } = world;
  const [named, forgotten] = [await keep(staging), await keep(staging)];
  await add(staging, 'business', { icon: named });
  await age(staging, 8);
  expect(await sweepImages(staging, GRACE)).toMatchObject({ removed: 1, kept: 1 });
  expect(await hasImage(staging.storage, named)).toBe(true);
  expect(await hasImage(staging.storage, forgotten)).toBe(false);
});

test('the cleanup of unused images keeps an image without references during the grace period', async () => {
  const { staging } = world;
  await age(staging, 8);
  const name = await keep(staging);
  expect(await sweepImages(staging, GRACE)).toMatchObject({ refusal: null, removed: 0 });
  expect(await hasImage(staging.storage, name)).toBe(true);
});

test('the cleanup of unused images keeps an image to which only the history of a row refers', async () => {
  const { staging } = world;
  const former = await keep(staging);
  const id = await add(staging, 'business', { icon: former });
  await change(staging, { entity: 'business', id }, { icon: null });
  await staging.sql.query('delete from transfer_step');
  await age(staging, 8);
  expect(await sweepImages(staging, GRACE)).toMatchObject({ removed: 0, kept: 1 });
});

test('the cleanup of unused images keeps images that an undo of a transfer would restore, in both environments of the transfer', async () => {
  const { staging, preprod } = world;
  const former = await keep(staging);
  const key = { entity: 'business', id: await add(staging, 'business', { icon: former }) };
  await transfer(staging, [key]);
  await change(staging, key, { icon: await keep(staging) });
  const sent = await transfer(staging, [key]);
  for (const here of [staging, preprod]) {
    await age(here, 8);
    expect(await sweepImages(here, GRACE)).toMatchObject({ refusal: null, removed: 0, kept: 2 });
  }
  await undo(staging, sent);
  expect(fieldText((await get(preprod, key))['icon'])).toBe(former);
  expect(await hasImage(preprod.storage, former)).toBe(true);
});

test('the cleanup of unused images keeps an image to which only the record of a past transfer refers', async () => {
  const { staging } = world;
  const name = await keep(staging);
  await add(staging, 'city');
  await run(
    staging.sql,
    sql`insert into transfer_step (transfer, seq, entity, row_id, title, action, base_before)
        select id, 99, 'business', 1, 'Clinic', 'update', ${`"icon":"${name}"`} from transfer limit 1`,
  );
  await age(staging, 8);
  expect(await sweepImages(staging, GRACE)).toMatchObject({ removed: 0, kept: 1 });
});

test('the cleanup of unused images keeps images named only in an unsent transfer sheet or in the last content that two environments shared', async () => {
  const { staging } = world;
  const [base, typed] = [await keep(staging), await keep(staging)];
  await run(
    staging.sql,
    sql`insert into destination_state (entity, row_id, observed_at, base_content)
        values ('business', 1, utc_timestamp(3), ${`"icon":"${base}"`})`,
  );
  await run(
    staging.sql,
    sql`insert into selection (id, name, person, row_keys, choices, chain)
        values ('1', 'Clinic', 'pm@example.com', '[]', ${JSON.stringify({ typed })}, '[]')`,
  );
  await age(staging, 8);
  expect(await sweepImages(staging, GRACE)).toMatchObject({ removed: 0, kept: 2 });
});

test('the cleanup of unused images finds a reference in the last of 12,000 rows, which it reads with several SQL statements', async () => {
  const { staging } = world;
  const name = await keep(staging);
  await staging.sql.query(
    `insert into business (id, name, category, icon, active, priority, modified_at)
     select id, concat('Clinic ', id), 'Health', if(id = 12000, '${name}', null), 1, 1, utc_timestamp(3)
       from (select row_number() over () as id
               from information_schema.columns a cross join information_schema.columns b limit 12000) numbers`,
  );
  await age(staging, 8);
  expect(await sweepImages(staging, GRACE)).toMatchObject({ removed: 0, kept: 1 });
});

test('the cleanup of unused images removes nothing if a transfer has been unfinished for more than 12 hours', async () => {
  const { staging } = world;
  await keep(staging);
  await age(staging, 8);
  await run(
    staging.sql,
    sql`insert into claim (entity, row_id, transfer, mode, number, origin, fence, connection, person, since)
        values ('business', 1, 'x', 'write', 7, 'staging', 1, 1, 'pm@example.com', utc_timestamp(3) - interval 13 hour)`,
  );
  expect(await sweepImages(staging, GRACE)).toMatchObject({
    removed: 0,
    refusal: 'Transfer 7 from staging has not ended yet.',
  });
});

test('the cleanup of unused images removes nothing from a store that another environment has marked as used', async () => {
  const { staging, preprod } = world;
  const forgotten = await keep(staging);
  await sweepDaily({ ...preprod, storage: staging.storage });
  await age(staging, 8);
  const { refusal, removed } = await sweepImages(staging, GRACE);
  expect(removed).toBe(0);
  expect(refusal).toMatch(/Another environment keeps its images here, too: environments\/preprod-/);
  expect(await hasImage(staging.storage, forgotten)).toBe(true);
});

test('the cleanup of unused images waits one grace period after the first use of a store, so that other environments can mark it as used', async () => {
  const { staging } = world;
  const forgotten = await keep(staging);
  await age(staging, 6);
  expect(await sweepImages(staging, 5 * DAY)).toMatchObject({ refusal: null, removed: 1 });
  await keep(staging);
  await age(staging, 6);
  const { refusal, removed } = await sweepImages(staging, GRACE);
  expect(removed).toBe(0);
  expect(refusal).toMatch(/less than the grace period/);
  expect(await hasImage(staging.storage, forgotten)).toBe(false);
});

test('the cleanup of unused images runs once a day if a grace period is set; without one it only marks the store as used', async () => {
  const { staging } = world;
  const forgotten = await keep(staging);
  await age(staging, 8);
  await sweepDaily(staging);
  expect(await hasImage(staging.storage, forgotten)).toBe(true);
  expect(await all(staging.storage.list('environments/'))).toHaveLength(1);
  const storage = { ...staging.settings.storage, sweepAfterDays: 7 };
  const sweeping = { ...staging, settings: { ...staging.settings, storage } };
  await sweepDaily(sweeping);
  expect(await hasImage(staging.storage, forgotten)).toBe(false);
  const late = await keep(staging);
  await age(staging, 8);
  await sweepDaily(sweeping);
  expect(await hasImage(staging.storage, late)).toBe(true);
  expect(await all(staging.storage.list('sweeps/'))).toHaveLength(1);
});

test('the cleanup of unused images also removes uploads that were begun before the grace period and never completed', async () => {
  const { staging } = world;
  await keep(staging);
  await writeFile(join(folderOf(staging), '.unfinished', 'draft'), 'half');
  await age(staging, 8);
  await writeFile(join(folderOf(staging), '.unfinished', 'another'), 'half');
  expect(await sweepImages(staging, GRACE)).toMatchObject({ unfinished: 1 });
});

test('every database column of long texts is either searched for image names, or listed in this test as a column without image names', () => {
  const nameless = [
    // Columns with ids and hashes of rows and transfers.
    'relied_on',
    'row_keys',
    'here_lines',
    'there_lines',
    'changes',
    // Columns with inputs, results and failed items of jobs, and with messages to other systems. No
    // row is restored from these columns.
    'input',
    'report',
    'result',
    'payload',
    'body',
    // Columns with rows of datasets, parsing rules of data files, and findings of pipeline runs. No
    // row of the catalogue is restored from these columns.
    'cells',
    'columns',
    'choices',
    'examination',
    'reading',
    'structure',
    // Hashes of the rows of a transfer that waits for approval.
    'plan_rows',
    // Columns that a later migration replaced by the tables `step_image_bundle` and `image_bundle`, which are searched.
    'before_image',
    'after_image',
  ];
  const migrations = readdirSync('migrations/app').map((file) =>
    readFileSync(join('migrations/app', file), 'utf8'),
  );
  const columns = [...migrations.join('').matchAll(/(\w+) (?:MEDIUMTEXT|LONGTEXT|JSON)\b/g)].map(
    ([, column = '']) => column,
  );
  const known = readFileSync('src/storage/image-names.ts', 'utf8');
  const unknown = columns.filter((one) => !nameless.includes(one) && !known.includes(one));
  expect(columns.length).toBeGreaterThan(5);
  expect(unknown).toEqual([]);
});
