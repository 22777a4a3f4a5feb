// S0-73 A refresh copies production’s rows to pre-production and staging. It records the base of each row: the content
// at which the row was last equal in its own environment and the next one. The status of the row is computed from its
// base.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { App } from '../../src/environments/app.ts';
import { keyText } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { select, sql } from '../../src/database/sql.ts';
import { collection } from '../../src/rows/mongo.ts';
import { toStored } from '../../src/rows/mongo-writes.ts';
import { read } from '../../src/rows/store.ts';
import { parts } from '../../src/refresh/prepare-part.ts';
import { runRefresh, type Report } from '../../src/refresh/refresh.ts';
import { readBases } from '../../src/state/base-chunks.ts';
import { drawIds } from '../../src/environments/ids.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { matrix } from '../../src/comparison/matrix.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { ChangedMeanwhile } from '../../src/writing/work.ts';
import { recoverNow } from '../support/killing.ts';
import { add, change, contentFor, ed, get, has, sheet, transfer, undo } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

function sidesOf(here: App) {
  const { source, destination } = here;
  if (!source) throw new Error('no source');
  const there = destination?.name === 'production' ? source : destination;
  return { here, there, source, lease: 2000 };
}

const refresh = (here: App): Promise<Report> => runRefresh(sidesOf(here));

/** Adds one row of each of seven entities to production, and returns their ids. */
async function production() {
  const { production: above } = world;
  await above.sql.query(
    "insert into id_sequence (entity, next) values ('city', 2000000000) on duplicate key update next = next",
  );
  await add(above, 'city', { name: 'Pune' });
  await add(above, 'partner', { name: 'TOI Offers' });
  const business = await add(above, 'business', {
    cities: [{ city: 'Pune', partner: 'TOI Offers' }],
  });
  const tool = await add(above, 'external_tool', {
    business,
    endpoint: 'https://live.example.com',
    key: 'secret',
  });
  const form = await add(above, 'form');
  const field = await add(above, 'form_field', { form });
  const task = await add(above, 'task', { business, form });
  return { business, tool, form, field, task };
}

test('S0-02 S0-73 S0-04 a refresh from production copies rows with their dependent rows to pre-production and staging, under the same ids', async () => {
  const ids = await production();
  await refresh(world.preprod);
  const { created, skippedRows } = await refresh(world.staging);
  expect([created, skippedRows]).toEqual([7, []]);
  for (const here of [world.preprod, world.staging]) {
    for (const [entity, id] of [
      ['business', ids.business],
      ['form', ids.form],
      ['form_field', ids.field],
      ['task', ids.task],
    ] as const) {
      expect(await has(here, { entity, id })).toBe(true);
    }
    const row = await get(here, { entity: 'business', id: ids.business });
    expect(row['cities']).toEqual([{ city: 'Pune', partner: 'TOI Offers' }]);
    const { facts } = await sheet(here, [{ entity: 'task', id: ids.task }]);
    expect(facts.pairs.get(`task:${ids.task}`)?.status).toBe('In sync');
  }
});

test('J-3 a refresh from production does not copy environment-specific fields, such as the endpoint and key of an external tool', async () => {
  const ids = await production();
  await refresh(world.preprod);
  const tool = await get(world.preprod, { entity: 'external_tool', id: ids.tool });
  expect([tool['endpoint'], tool['key']]).toEqual([null, null]);
});

test('a refresh from production changes no row that is equal already, and skips and lists rows with pending changes', async () => {
  const ids = await production();
  await refresh(world.preprod);
  await refresh(world.staging);
  expect(await refresh(world.staging)).toMatchObject({ created: 0, updated: 0, same: 7 });
  const form = { entity: 'form', id: ids.form };
  await change(world.staging, form, { description: 'Work under way' });
  await change(world.staging, { entity: 'form_field', id: ids.field }, { label: 'Tried' }, ed);
  await change(world.production, form, { description: 'Edited above' });
  await change(world.production, { entity: 'task', id: ids.task }, { title: 'Newer above' });
  await change(world.production, { entity: 'form_field', id: ids.field }, { label: 'Above' });
  const report = await refresh(world.staging);
  expect(report).toMatchObject({ created: 0, updated: 1 });
  expect(report.skippedRows.map(({ key, why }) => `${key.entity}: ${why}`)).toEqual([
    'form: changed by the engineer ed@example.com',
    'form_field: changed by the engineer ed@example.com',
  ]);
  expect((await get(world.staging, form))['description']).toBe('Work under way');
  expect((await get(world.staging, { entity: 'task', id: ids.task }))['title']).toBe('Newer above');
});

test('if staging already has a city, a refresh does not change the city’s id, and links copied businesses to it by its name', async () => {
  const { staging } = world;
  const ids = await production();
  const own = await add(staging, 'city', { name: 'Pune' });
  await refresh(staging);
  const [cities] = await staging.sql.query('select id from city');
  expect(cities).toEqual([{ id: own }]);
  expect((await get(staging, { entity: 'business', id: ids.business }))['cities']).toEqual([
    { city: 'Pune', partner: 'TOI Offers' },
  ]);
});

test('ids assigned after a refresh from production are higher than all copied ids', async () => {
  const { production: above, staging } = world;
  await above.sql.query(
    "insert into partner (id, name, modified_at) values (41, 'Café Coral', now(3))",
  );
  await refresh(staging);
  expect(await drawIds(staging, 'partner')).toBe(42);
});

test('a refresh from production skips and lists a new row whose unique name another row of staging already has', async () => {
  const { production: above, staging } = world;
  await add(staging, 'business', { name: 'Corner Café' });
  await add(above, 'business', { name: 'Corner Café' });
  const other = await add(above, 'business', { name: 'Tea House' });
  const report = await refresh(staging);
  expect(report.created).toBe(1);
  expect(report.skippedRows.map(({ title }) => title)).toEqual(['Corner Café']);
  expect(await has(staging, { entity: 'business', id: other })).toBe(true);
});

test('a refresh of staging does not overwrite a transferred row while its content is not in production yet, or was undone there', async () => {
  const { production: above, preprod, staging } = world;
  const ids = await production();
  await refresh(preprod);
  await refresh(staging);
  const form = { entity: 'form', id: ids.form };
  await change(staging, form, { description: 'On its way' });
  expect((await transfer(staging, [form])).state).toBe('verified');
  const report = await refresh(staging);
  expect([report.updated, report.skippedRows]).toEqual([
    0,
    [expect.objectContaining({ key: form, why: expect.stringContaining('not in production yet') })],
  ]);
  expect(await get(staging, form)).toMatchObject({ description: 'On its way' });

  const sent = await transfer(preprod, [form]);
  await undo(preprod, sent);
  expect((await refresh(staging)).skippedRows).toEqual([
    expect.objectContaining({ key: form, why: expect.stringContaining('undone in') }),
  ]);

  expect((await transfer(preprod, [form], { again: [`form:${form.id}`] })).state).toBe('verified');
  await change(above, form, { description: 'Mended above' });
  expect(await refresh(staging)).toMatchObject({ updated: 1, skippedRows: [] });
  expect(await get(staging, form)).toMatchObject({ description: 'Mended above' });
});

test('rows that a refresh wrote before it was killed, without recording their sync state, are refreshed again unless somebody changed them', async () => {
  const { production: above, preprod } = world;
  const ids = await production();
  await refresh(preprod);
  const form = { entity: 'form', id: ids.form };
  const task = { entity: 'task', id: ids.task };
  /** Refreshes, and fails as soon as the row is written. */
  const killedAfter = async (isWritten: () => Promise<boolean>) => {
    failpoints.reached = async (name) => {
      if (name === 'part written' && (await isWritten())) throw new Error('Killed');
    };
    await expect(refresh(preprod)).rejects.toThrow('Killed');
    failpoints.reached = () => {};
  };
  await change(above, task, { title: 'Second' });
  await killedAfter(async () => (await get(preprod, task))['title'] === 'Second');
  await change(above, task, { title: 'Third' });
  expect(await refresh(preprod)).toMatchObject({ updated: 1, skippedRows: [] });

  await change(above, form, { description: 'Second' });
  const [added, saved, outside] = [
    { entity: 'form', id: await add(above, 'form', { name: 'Added' }) },
    { entity: 'form', id: await add(above, 'form', { name: 'Saved' }) },
    { entity: 'form', id: await add(above, 'form', { name: 'Outside' }) },
  ];
  await killedAfter(() => has(preprod, added));
  await change(preprod, saved, { description: 'Of a person' });
  await collection(preprod.documents, entityNamed('form')).updateOne(
    { _id: outside.id },
    { $set: { description: 'Of another program' } },
  );
  const all = [form, added, saved, outside];
  for (const key of all) await change(above, key, { description: 'Third' });
  const report = await refresh(preprod);
  expect(report.skippedRows.map(({ key }) => key)).toEqual([saved, outside]);
  const described = all.map(async (key) => (await get(preprod, key))['description']);
  expect(await Promise.all(described)).toEqual([
    'Third',
    'Third',
    'Of a person',
    'Of another program',
  ]);
  const { facts } = await sheet(preprod, [form, added, task]);
  const statuses = [form, added, task].map((key) => facts.pairs.get(keyText(key))?.status);
  expect(statuses).toEqual(['In sync', 'In sync', 'In sync']);
});

/** Adds a form with fields, which are MongoDB documents, and returns the keys of the fields. */
async function addFields(here: App, count: number) {
  const form = await add(here, 'form');
  const entity = entityNamed('form_field');
  const instant = new Date().toISOString();
  const fields = Array.from({ length: count }, (_one, index) => {
    const content = contentFor('form_field', { form, order: index + 1 });
    const row = { ...content, id: index + 1, modified_at: '' };
    return toStored(entity, row, instant, { transfer: '', fence: 1 });
  });
  await collection(here.documents, entity).insertMany(fields);
  return fields.map(({ _id: id }) => ({ entity: entity.name, id }));
}

test('a refresh claims the next documents while it writes the former ones, and continues with those whose write was killed', async () => {
  const { production: above, preprod } = world;
  const fields = await addFields(above, 6);
  let former: Report | null = null;
  const progress = ({ report }: { report: Report }) => void (former = report);
  const run = () => runRefresh({ ...sidesOf(preprod), former, progress });
  const reached = { claim: 0, document: 0 };
  failpoints.reached = async (name) => {
    if (name === 'claim') reached.claim += 1;
    if (name !== 'document') return;
    reached.document += 1;
    const isFirstPart = reached.document === 2;
    if (isFirstPart) await vi.waitFor(() => expect(reached.claim).toBe(3));
    else if (reached.document === 3) throw new Error('Killed');
  };
  const { size } = parts;
  parts.size = 2;
  try {
    await expect(run()).rejects.toThrow('Killed');
    failpoints.reached = () => {};
    const isWritten = fields.map(async ({ id }) => {
      const [line] = await select(preprod.sql, sql`select 1 from arrival where row_id = ${id}`);
      return line !== undefined;
    });
    expect(await Promise.all(isWritten)).toEqual([true, true, false, false, true, true]);
    await recoverNow(preprod);
    expect(await run()).toMatchObject({ created: 3, same: 4, skippedRows: [] });
  } finally {
    parts.size = size;
    failpoints.reached = () => {};
  }
  expect((await readBases(preprod.sql, fields)).size).toBe(6);
  expect(await read(preprod, fields)).toEqual(
    new Map(
      [...(await read(above, fields))].map(([text, row]) => [
        text,
        { ...row, modified_at: expect.any(String) },
      ]),
    ),
  );
});

test('a refresh whose documents were refused restores them after the next documents are written, without waiting for the clock in MySQL', async () => {
  const { production: above, preprod } = world;
  const fields = await addFields(above, 4);
  const reached: string[] = [];
  failpoints.reached = async (name) => {
    reached.push(name);
    const documents = reached.filter((one) => one === 'document').length;
    if (name !== 'document' || documents > 3) return;
    if (documents === 2) {
      await vi.waitFor(() => expect(reached.filter((one) => one === 'claim').length).toBe(3));
      throw new ChangedMeanwhile({
        reason: 'changed-there',
        row: null,
        message: 'It was changed.',
      });
    }
    if (documents === 3) {
      await vi.waitFor(() => expect(reached).toContain('rollback claim'));
      await sleep(100);
      const waiting = await select(
        preprod.sql,
        sql`select info from information_schema.processlist
             where db = database() and id <> connection_id() and info like 'select instant, sysdate%'`,
      );
      expect(waiting).toEqual([]);
    }
  };
  const { size } = parts;
  parts.size = 2;
  try {
    expect(await refresh(preprod)).toMatchObject({ created: 5, skippedRows: [] });
  } finally {
    parts.size = size;
    failpoints.reached = () => {};
  }
  const { facts } = await sheet(preprod, fields);
  const statuses = fields.map((key) => facts.pairs.get(keyText(key))?.status);
  expect(statuses).toEqual(fields.map(() => 'In sync'));
  expect(await select(preprod.sql, sql`select 1 from claim`)).toEqual([]);
});

test('a document that another program changes right after a refresh has written it counts as changed here, and the next refresh keeps it', async () => {
  const { production: above, preprod } = world;
  const [field] = await addFields(above, 1);
  if (!field) throw new Error('no field');
  const collected = collection(preprod.documents, entityNamed('form_field'));
  failpoints.reached = async (name) => {
    if (name !== 'committed') return;
    await collected.updateOne({ _id: field.id }, { $set: { label: 'Of another program' } });
  };
  await refresh(preprod).finally(() => (failpoints.reached = () => {}));
  const keeps = { skippedRows: [{ key: field, why: expect.stringContaining('changed here') }] };
  expect(await refresh(preprod)).toMatchObject(keeps);
  await runJob(preprod, tasks, (await requestComparison(preprod, ed.email, {})).job.id);
  expect((await matrix(preprod.sql)).get('form_field')).toEqual(new Map([['Changed here', 1]]));
  expect(await refresh(preprod)).toMatchObject(keeps);
  expect(await get(preprod, field)).toMatchObject({ label: 'Of another program' });
});
