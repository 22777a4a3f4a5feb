// A comparison of all rows reads only rows whose hashes do not match the sync state (what is known of each row here and
// at its destination), and misses no change on either side.
import { expect, test } from 'vitest';
import { canonical, hashOf } from '../../src/catalog/content.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { Row } from '../../src/catalog/entity.ts';
import { statements, type Statement } from '../../src/database/sql.ts';
import { chunkOf, hashesInChunks } from '../../src/rows/row-hashes.ts';
import { read } from '../../src/rows/store.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { readBaseDigests, readBases, writeBases } from '../../src/state/base-chunks.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { comparePairs } from '../../src/comparison/compare-pairs.ts';
import { recordObservations } from '../../src/comparison/record-observations.ts';
import { hashesIn, readSide, uncertainOf } from '../../src/comparison/chunk-hashes.ts';
import { compareEntity } from '../../src/comparison/full-comparison.ts';
import { matrix } from '../../src/comparison/matrix.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import * as nameMapping from '../../src/transfers/name-mapping.ts';
import { tasks } from '../../src/tasks.ts';
import { add, change, get, has, pm, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/**
 * Compares staging with pre-production. Returns how many SQL statements read rows of businesses or
 * tasks.
 */
async function compare(how: { isFull?: boolean } = {}): Promise<number> {
  let reads = 0;
  const count = (statement: unknown) => {
    const { text } = statement as Statement;
    if (/^select r\.\*.* from `(business|task)` r/s.test(text.trim())) reads += 1;
  };
  statements.subscribe(count);
  const { job } = await requestComparison(world.staging, pm.email, how);
  const ended = await runJob(world.staging, tasks, job.id).finally(() =>
    statements.unsubscribe(count),
  );
  if (ended?.state !== 'done') throw new Error(`It ended as ${ended?.state}: ${ended?.problem}`);
  return reads;
}

/** The settings of a refresh from production into staging. */
function down() {
  const { source, destination: there } = world.staging;
  if (!source) throw new Error('no source');
  return { here: world.staging, there, source, lease: 2000 };
}

const statusesOf = async (entity: string) =>
  Object.fromEntries((await matrix(world.staging.sql)).get(entity) ?? []);

/**
 * Adds businesses with a task each, equal on both sides, and compares them until a comparison reads no row any more.
 * Returns their ids.
 */
async function checkedRows(number = 3): Promise<number[]> {
  const { staging } = world;
  const ids: number[] = [];
  for (let one = 0; one < number; one += 1) ids.push(await add(staging, 'business'));
  await transfer(
    staging,
    ids.map((id) => ({ entity: 'business', id })),
  );
  await compare();
  expect(await compare()).toBe(0);
  return ids;
}

test('a comparison finds a row that direct SQL changed on either side, and reads no rows in unchanged chunks of 1,000 ids', async () => {
  const [one, other] = await checkedRows();
  await world.preprod.sql.query("update business set description = 'Past it' where id = ?", [one]);
  expect(await compare()).toBeGreaterThan(0);
  expect(await statusesOf('business')).toEqual({ 'In sync': 2, 'Changed there': 1 });
  await world.staging.sql.query('update business set priority = 77 where id = ?', [other]);
  await compare();
  expect(await statusesOf('business')).toEqual({
    'In sync': 1,
    'Changed there': 1,
    'Changed here': 1,
  });
  expect(await compare()).toBe(0);
});

test('the first comparison of equal rows reads only those that MySQL may hash differently than the program, and records the program’s hash of every row', async () => {
  const { staging, preprod } = world;
  for (const here of [staging, preprod]) {
    await here.sql.query(
      "insert into city (id, name, modified_at) values (1, 'Pune', '2026-01-01'), (2, 'Köln', '2026-01-01')",
    );
    await here.sql.query(
      `insert into business (id, name, description, category, active, priority, modified_at) values
         (1, 'Café', 'é 🪔\n"x"', 'Health', 1, 5, '2026-01-01'), (2, 'Linked', null, 'Health', 2, 5, '2026-01-01'),
         (3, 'Escaped', 'x\u000By', 'Health', 1, 5, '2026-01-01'), (4, 'Abroad', null, 'Health', 1, 5, '2026-01-01')`,
    );
    await here.sql.query('insert into business_city values (2, 1, null), (4, 2, null)');
  }
  const asked: unknown[] = [];
  const note = (statement: unknown) => {
    const { text, values } = statement as Statement;
    if (/^select r\.\*.* from `business` r/s.test(text)) asked.push(values[0]);
  };
  statements.subscribe(note);
  await compare().finally(() => statements.unsubscribe(note));
  expect(asked).toEqual([
    [3, 4],
    [3, 4],
  ]);
  expect(await statusesOf('business')).toEqual({ 'In sync': 4 });
  const keys = [1, 2, 3, 4].map((id) => ({ entity: 'business', id }));
  const bases = await readBases(staging.sql, keys);
  for (const [text, row] of await read(staging, keys)) {
    expect(bases.get(text)?.hash).toBe(hashOf(entityNamed('business'), row));
  }
  // A column of another type may store values that the program reads differently, so every row is read.
  await staging.sql.query('delete from base_chunk');
  await preprod.sql.query('alter table business modify priority varchar(9) not null');
  try {
    asked.length = 0;
    statements.subscribe(note);
    await compare().finally(() => statements.unsubscribe(note));
    expect(asked.slice(0, 2)).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  } finally {
    await preprod.sql.query('alter table business modify priority int not null');
  }
});

test('the hashes of the other side are read, not taken to be equal, if rows here change after the digests of both sides agreed', async () => {
  const { staging, preprod } = world;
  const [first = 0, second = 0] = await checkedRows();
  const business = entityNamed('business');
  const mayDiffer = await uncertainOf(business, [staging, preprod]);
  const digests = () =>
    Promise.all(
      [staging, preprod].map((side) =>
        readSide(side, business, { low: 0, high: 0 }, { readsHashes: false, mayDiffer }),
      ),
    );
  const read = await digests();
  await staging.sql.query("update business set description = 'Since then' where id = ?", [first]);
  const how = { opened: [0], mayDiffer };
  const { hashes, isCertain } = await hashesIn(business, [staging, preprod], read, how);
  const [own, other] = hashes;
  expect(own?.get(first)).not.toBe(other?.get(first));
  expect(own?.get(second)).toBe(other?.get(second));
  expect(isCertain(second)).toBe(true);
});

test('a refresh and a comparison find every changed and deleted row if rows of most chunks of 1,000 ids have changed', async () => {
  const { staging, preprod, production } = world;
  // Eighty chunks with one task each are several batches of a comparison. All tasks differ, except every tenth one.
  const numbers = Array.from({ length: 80 }, (_one, index) => index);
  const idOf = (number: number) => number * 1000 + 7;
  const business = await add(production, 'business');
  for (const number of numbers) {
    await production.sql.query(
      "insert into task (id, title, business_id, priority, active, modified_at) values (?, 'Read', ?, 0, 1, '2026-01-01')",
      [idOf(number), business],
    );
  }
  await runRefresh({ ...down(), there: preprod });
  await runRefresh({ here: preprod, there: production, source: production, lease: 2000 });
  await compare();
  expect(await compare()).toBe(0);
  await production.sql.query("update task set title = 'Newer' where id % 10000 <> 7");
  await runRefresh({ ...down(), there: null });
  const titles = (
    await read(
      staging,
      numbers.map((number) => ({ entity: 'task', id: idOf(number) })),
    )
  ).values();
  expect([...titles].map(({ title }) => title)).toEqual(
    numbers.map((number) => (number % 10 === 0 ? 'Read' : 'Newer')),
  );
  await preprod.sql.query('delete from task where id = ?', [idOf(77)]);
  await compare();
  expect(await statusesOf('task')).toEqual({
    'In sync': 8,
    'Changed here': 71,
    'Changed here, deleted there': 1,
  });
});

test('a comparison notices that the destination’s database was restored from a backup, even though all digests are as in the last comparison', async () => {
  const { staging, preprod } = world;
  const [id = 0] = await checkedRows(1);
  const key = { entity: 'business', id };
  await change(staging, key, { description: 'Newer' });
  await compare();
  await preprod.sql.query('create table backup as select * from business');
  expect((await transfer(staging, [key])).state).toBe('verified');
  expect(await statusesOf('business')).toEqual({ 'In sync': 1 });
  await preprod.sql.query('replace into business select * from backup');
  await preprod.sql.query('drop table backup');
  await compare();
  expect(await statusesOf('business')).toEqual({ 'Changed there': 1 });
});

test('the digest of a business changes when its linked partner or the name of its linked city changes', async () => {
  const { staging, preprod } = world;
  await add(preprod, 'city', { name: 'Pune' });
  await add(preprod, 'partner', { name: 'Tea House' });
  await add(staging, 'city', { name: 'Pune' });
  const business = await add(staging, 'business', { cities: [{ city: 'Pune', partner: null }] });
  await transfer(staging, [{ entity: 'business', id: business }]);
  await compare();
  expect(await compare()).toBe(0);
  await preprod.sql.query('update business_city set partner_id = (select min(id) from partner)');
  await compare();
  expect(await statusesOf('business')).toEqual({ 'Changed there': 1 });
  await preprod.sql.query('update business_city set partner_id = null');
  await preprod.sql.query("update city set name = 'Poona'");
  await compare();
  expect(await statusesOf('business')).toEqual({ 'Changed there': 1 });
  // With a name mapping, equal names here and at the destination mean different cities, so the rows
  // differ.
  await preprod.sql.query("update city set name = 'Pune'");
  await compare();
  expect(await statusesOf('business')).toEqual({ 'In sync': 1 });
  await nameMapping.mapName(staging, pm.email, { entity: 'city', name: 'Pune', there: 'Poona' });
  await compare();
  expect(await statusesOf('business')).not.toEqual({ 'In sync': 1 });
});

test('a comparison records missing rows as deleted, even if all rows of a chunk of 1,000 ids are missing', async () => {
  const { staging, preprod } = world;
  for (const id of [999, 1000, 1999, 2000, 77_000, 5_000_123]) {
    for (const here of [staging, preprod]) {
      await here.sql.query(
        "insert into partner (id, name, modified_at) values (1, 'x', '2026-01-01') on duplicate key update name = name",
      );
      await here.sql.query(
        "insert into business (id, name, category, active, priority, modified_at) values (?, ?, 'Health', 1, 5, '2026-01-01')",
        [id, `Business ${id}`],
      );
    }
  }
  await compare();
  expect(await statusesOf('business')).toEqual({ 'In sync': 6 });
  await compare();
  expect(await compare()).toBe(0);
  await staging.sql.query('delete from business where id in (1999, 77000)');
  await preprod.sql.query('delete from business where id in (999, 77000)');
  await compare();
  const { 'In sync': same, ...others } = await statusesOf('business');
  expect([same, others]).toEqual([3, { 'Deleted there': 1, 'Deleted here': 1 }]);
});

test('a comparison does not overwrite bases (last equal contents) that another process recorded during the comparison', async () => {
  const { sql: on } = world.staging;
  const [first, second] = ['1'.repeat(64), '2'.repeat(64)];
  const at = new Date().toISOString();
  const write = async (hash: string, generation: number) => {
    const asRead = new Map([[7, { generation }]]);
    await writeBases(on, 'business', new Map([[7001, hash]]), at, asRead);
  };
  const baseNow = async () =>
    (await readBases(on, [{ entity: 'business', id: 7001 }])).get('business:7001')?.hash;
  await write(first, 0);
  expect(await baseNow()).toBe(first);
  const { generation = 0 } = (await readBaseDigests(on, 'business', 7, 7)).get(7) ?? {};
  await write(second, generation);
  expect(await baseNow()).toBe(second);
  await write(first, generation);
  expect(await baseNow()).toBe(second);
});

test('a comparison after a refresh notices that another program deleted a row, even if the table base_chunk is empty', async () => {
  const { staging } = world;
  const [id = 0, other = 0] = await checkedRows(2);
  const lonely = await add(staging, 'business');
  await compare();
  expect(await statusesOf('business')).toEqual({ 'In sync': 2, New: 1 });
  await staging.sql.query('delete from business where id = ?', [lonely]);
  await runRefresh(down());
  await compare();
  expect(await statusesOf('business')).toEqual({ 'In sync': 2 });
  // The comparison must also notice a deleted row about which base_chunk records nothing.
  const more = await add(staging, 'business');
  await staging.sql.query('delete from business where id = ?', [more]);
  await staging.sql.query('delete from base_chunk');
  await runRefresh(down());
  await compare();
  expect(await statusesOf('business')).toEqual({ 'In sync': 2 });
  expect([id, other].every((one) => one > 0)).toBe(true);
});

test('a comparison finds a change at the destination even if a wrong clock dated the last observation of the row in the future', async () => {
  const { staging, preprod } = world;
  const [id = 0] = await checkedRows(1);
  await staging.sql.query("update destination_state set observed_at = '2099-01-01'");
  await preprod.sql.query("update business set description = 'Past it' where id = ?", [id]);
  await compare();
  expect(await statusesOf('business')).toEqual({ 'Changed there': 1 });
});

test('a comparison corrects a recorded hash that is wrong, and a full comparison reads every row', async () => {
  await checkedRows(1);
  await world.staging.sql.query("update row_state set hash = repeat('0', 64)");
  expect(await statusesOf('business')).toEqual({ 'Changed here': 1 });
  expect(await compare()).toBeGreaterThan(0);
  expect(await statusesOf('business')).toEqual({ 'In sync': 1 });
  expect(await compare()).toBe(0);
  expect(await compare({ isFull: true })).toBeGreaterThan(0);
});

test('a stopped refresh from production has recorded the sync state of every row that it wrote, and the next refresh copies the rest', async () => {
  const { production, preprod } = world;
  const { source } = preprod;
  if (!source) throw new Error('no source');
  const into = { here: preprod, there: source, source, lease: 2000 };
  const rows = Array.from({ length: 2500 }, (_one, index) => [
    index + 1,
    `Business ${index + 1}`,
    'Health',
    1,
    5,
    '2026-01-01',
  ]);
  await production.sql.query(
    'insert into business (id, name, category, active, priority, modified_at) values ?',
    [rows],
  );
  let parts = 0;
  const stop = () => {
    parts += 1;
    throw new Error('Cancelled');
  };
  await expect(runRefresh({ ...into, progress: stop })).rejects.toThrow('Cancelled');
  const [written] = (await preprod.sql.query('select id from business')) as unknown as [
    { id: number }[],
  ];
  const bases = await readBases(
    preprod.sql,
    written.map(({ id }) => ({ entity: 'business', id })),
  );
  expect(written.length).toBeGreaterThan(0);
  expect([parts > 0, bases.size]).toEqual([true, written.length]);
  expect(await runRefresh(into)).toMatchObject({
    created: 2500 - written.length,
    skipped: 0,
  });
});

test('MySQL computes equal hashes exactly when the row contents are equal', async () => {
  const { staging } = world;
  const entity = entityNamed('business');
  const pairs: [string | null, string | null][] = [
    ['a|b', 'c'],
    ['a', 'b|c'],
    ['-', null],
    ['1|-', ''],
    ['é', null],
    ['e\u0301', null],
    ['Tea ', null],
    ['Tea', null],
    ['Tea', ' '],
    ['👩‍👩‍👧‍👦', '👩👩👧👦'],
    ['x', '2|yz'],
    ['x|2|yz', null],
  ];
  for (const [index, [category, description]] of pairs.entries()) {
    await staging.sql.query(
      'insert into business (id, name, category, description, active, priority, modified_at) values (?, ?, ?, ?, 1, 5, ?)',
      [index + 1, `n${index}`, category, description, '2026-01-01'],
    );
  }
  // All rows have the same name, so that they differ only in category and description.
  await staging.sql.query('alter table business drop key business_name');
  try {
    await staging.sql.query("update business set name = 'Same'");
    const ids = pairs.map((_pair, index) => index + 1);
    const rows = await read(
      staging,
      ids.map((id) => ({ entity: 'business', id })),
    );
    const hashes = await hashesInChunks(staging.sql, entity, [chunkOf(1)]);
    const texts = new Set([...rows.values()].map((row: Row) => canonical(entity, row)));
    expect([texts.size, new Set(hashes.values()).size]).toEqual([pairs.length, pairs.length]);
  } finally {
    await staging.sql.query('delete from business');
    await staging.sql.query('alter table business add unique key business_name (name)');
  }
});

test('a refresh from production skips a row that a running transfer has claimed, reports that transfer, and copies all other rows', async () => {
  const { production, staging } = world;
  const [one, other] = [await add(production, 'business'), await add(production, 'business')];
  await staging.sql.query(
    `insert into claim (entity, row_id, transfer, mode, number, origin, fence, connection, person, since)
     values ('business', ?, 'another', 'write', 38, 'staging', 1, 1, 'ana@example.com', utc_timestamp(3))`,
    [one],
  );
  const report = await runRefresh(down());
  expect(report.skippedRows).toEqual([
    expect.objectContaining({ why: expect.stringContaining('transfer 38 from staging') }),
  ]);
  expect(await has(staging, { entity: 'business', id: other })).toBe(true);
  await staging.sql.query('delete from claim');
  expect(await runRefresh(down())).toMatchObject({
    created: 1,
    same: 1,
    skipped: 0,
  });
  expect((await get(staging, { entity: 'business', id: one })).id).toBe(one);
});

test('a row whose text MySQL and the program hash differently is refreshed and compared like any other', async () => {
  const { production, preprod } = world;
  const id = await add(production, 'business', { description: 'x\u000By' });
  const into = { here: preprod, there: preprod.source, source: preprod.source, lease: 2000 };
  const refresh = async () => {
    if (!into.source) throw new Error('There is no source');
    return runRefresh({ ...into, source: into.source });
  };
  expect(await refresh()).toMatchObject({ created: 1 });
  expect(await refresh()).toMatchObject({ same: 1, skipped: 0 });
  await change(production, { entity: 'business', id }, { description: 'y\u000Bz' });
  expect(await refresh()).toMatchObject({ updated: 1, skipped: 0 });
});

test('what a list page observed at the destination before a refresh does not overwrite the newer sync state recorded by the refresh', async () => {
  const { staging, preprod, production } = world;
  const key = { entity: 'business', id: await add(production, 'business') };
  await runRefresh({ ...down(), here: preprod, there: preprod.source });
  await runRefresh(down());
  await change(production, key, { description: 'Newer' });
  const at = new Date().toISOString();
  const pairs = await comparePairs(staging, preprod, [key]);
  await runRefresh({ ...down(), here: preprod, there: preprod.source });
  const late = await comparePairs(staging, preprod, [key]);
  await runRefresh(down());
  await recordObservations(staging, pairs.values(), at);
  await recordObservations(staging, late.values(), at);
  expect(await statusesOf('business')).toEqual({ 'In sync': 1 });
});

test('a comparison that read a document before a transfer sent it does not overwrite the sync state that the transfer recorded', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form') };
  await transfer(staging, [form]);
  await change(staging, form, { description: 'Newer' });
  const sides = { here: staging, there: preprod, mappings: new Map(), isFull: false };
  const compared = compareEntity(sides, entityNamed('form'));
  // Sends the form as soon as the comparison reads the sync state, because the comparison has read the rows by then.
  let sent: Promise<unknown> | undefined;
  const whenRead = (statement: unknown) => {
    if ((statement as Statement).text.includes('distinct row_id div')) {
      sent ??= transfer(staging, [form]);
    }
  };
  statements.subscribe(whenRead);
  await Array.fromAsync(compared).finally(() => statements.unsubscribe(whenRead));
  expect(sent).toBeDefined();
  await sent;
  expect(await statusesOf('form')).toEqual({ 'In sync': 1 });
});
