// Problems of transfers in real databases: the transfer sheet reports each problem with its solutions, and a transfer
// with a problem is refused and writes nothing.
import { expect, test } from 'vitest';
import { v4 as uuid } from 'uuid';
import { keyText } from '../../src/catalog/entity.ts';
import { openApp } from '../../src/environments/app.ts';
import { Invalid, NotFound, Unavailable } from '../../src/problems.ts';
import { byKey } from '../../src/writing/journal.ts';
import * as adoption from '../../src/transfers/adoption.ts';
import * as nameMapping from '../../src/transfers/name-mapping.ts';
import * as holds from '../../src/transfers/hold.ts';
import { readStates } from '../../src/state/row-state.ts';
import { SheetProblems } from '../../src/sheet/problem.ts';
import { parseKeys } from '../../src/sheet/posted-keys.ts';
import { prepareSheet } from '../../src/sheet/sheet.ts';
import { send } from '../../src/transfers/send.ts';
import { BadSettings, parseSettings } from '../../src/settings.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import {
  add,
  change,
  ed,
  get,
  has,
  pm,
  refusalOf,
  routeFrom,
  sheet,
  transfer,
  version,
} from '../support/rows.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const world = useWorld();

const reasons = async (...given: Parameters<typeof sheet>) =>
  (await sheet(...given)).plan.problems.map(({ reason }) => reason);

const reasonsIn = (error: unknown) =>
  error instanceof SheetProblems ? error.problems.map(({ reason }) => reason) : [];

const markedAt = async (...[here, key]: Parameters<typeof version>) =>
  (await readStates(here.sql, [key])).get(keyText(key))?.engineering_at ?? '';

const click = (planHash: string, idempotencyKey = uuid()) => ({
  planHash,
  idempotencyKey,
  name: '',
  reason: null,
  person: pm.email,
});

test('the transfer sheet reports that MySQL of the destination is unreachable', async () => {
  const here = openApp(
    settingsOf(world.variables.staging, { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' }),
  );
  const key = { entity: 'form', id: await add(world.staging, 'form') };
  await expect(sheet(here, [key])).rejects.toThrow(Unavailable);
  await expect(sheet(here, [key])).rejects.toThrow('Pre-production cannot be reached right now');
  await here.close();
});

test('the transfer sheet reports that MongoDB of the destination is unreachable', async () => {
  const here = openApp(
    settingsOf(world.variables.staging, { UNI_DIR_DESTINATION_NOSQL_DB_PORT: '1' }),
  );
  const key = { entity: 'form', id: await add(world.staging, 'form') };
  await expect(sheet(here, [key])).rejects.toThrow('Pre-production cannot be reached right now');
  await here.close();
});

test('the transfer sheet names the settings to correct when the destination refuses the password', async () => {
  for (const part of ['SQL', 'NOSQL']) {
    const here = openApp(
      settingsOf(world.variables.staging, { [`UNI_DIR_DESTINATION_${part}_DB_PASSWORD`]: 'wrong' }),
    );
    const key = { entity: 'form', id: await add(world.staging, 'form') };
    await expect(sheet(here, [key])).rejects.toThrow('UNI_DIR_DESTINATION_*');
    await here.close();
  }
});

test('S0-60 S0-61 S0-62 settings that make an environment its own destination are refused, even with another name for the same host', () => {
  const own = world.variables.preprod;
  const self = {
    ...own,
    UNI_DIR_DESTINATION_SQL_DB_NAME: own['SQL_DB_NAME'] ?? '',
    UNI_DIR_DESTINATION_SQL_DB_HOST: 'localhost',
  };
  expect(() => parseSettings(self)).toThrow(BadSettings);
  expect(() => parseSettings(self)).toThrow(
    "UNI_DIR_DESTINATION_SQL_DB_*: this is the environment's own",
  );
});

test('S0-10 S0-13 settings that give production a destination are refused', () => {
  const wrong = { ...world.variables.preprod, ENVIRONMENT: 'production' };
  expect(() => parseSettings(wrong)).toThrow('Production has no destination');
  expect(() => parseSettings({ ...wrong, ENVIRONMENT: 'prod' })).toThrow('ENVIRONMENT');
});

test('S0-92 S0-101 the transfer sheet names a partner that the destination lacks, and a checkbox creates the partner there', async () => {
  const { staging, preprod } = world;
  for (const here of [staging, preprod]) await add(here, 'city', { name: 'Pune' });
  await add(staging, 'partner', { name: 'Night Riders' });
  const id = await add(staging, 'business', {
    cities: [{ city: 'Pune', partner: 'Night Riders' }],
  });
  const key = { entity: 'business', id };
  expect((await sheet(staging, [key])).plan.problems).toMatchObject([
    { reason: 'name-missing', solutions: [{ entity: 'partner' }, { entity: 'partner' }] },
  ]);
  expect(await refusalOf(transfer(staging, [key]))).toEqual(['name-missing']);
  expect(await has(preprod, key)).toBe(false);
  await transfer(staging, [key], { create: ['partner:Night Riders'] });
  expect((await get(preprod, key))['cities']).toEqual([{ city: 'Pune', partner: 'Night Riders' }]);
});

test('S0-101 the transfer sheet names a city that the destination lacks, and a checkbox creates the city there with its country', async () => {
  const { staging, preprod } = world;
  await add(staging, 'city', { name: 'Zürich' });
  const city = await add(staging, 'city', { name: '東京', country: 'JP' });
  const id = await add(staging, 'business', { cities: [{ city: '東京', partner: null }] });
  const key = { entity: 'business', id };
  expect((await sheet(staging, [key])).plan.problems).toMatchObject([
    { reason: 'name-missing', solutions: [{ entity: 'city' }, { entity: 'city' }] },
  ]);
  const { state } = await transfer(staging, [key], { create: ['city:東京'] });
  expect(state).toBe('verified');
  const created = await get(preprod, { entity: 'city', id: 1_000_000_000 });
  expect(created).toMatchObject({ name: '東京', country: 'JP' });
  expect(created.id).not.toBe(city);
});

test('S0-92 after a user maps a city to its other name at the destination, a row linked with the city can be sent and is In sync', async () => {
  const { staging, preprod } = world;
  await add(staging, 'city', { name: 'Bombay' });
  await add(preprod, 'city', { name: 'Mumbai' });
  const id = await add(staging, 'business', { cities: [{ city: 'Bombay', partner: null }] });
  const key = { entity: 'business', id };
  await nameMapping.mapName(staging, pm.email, { entity: 'city', name: 'Bombay', there: 'Mumbai' });
  await transfer(staging, [key]);
  expect((await get(preprod, key))['cities']).toEqual([{ city: 'Mumbai', partner: null }]);
  const { facts } = await sheet(staging, [key]);
  expect(facts.pairs.get(`business:${id}`)?.status).toBe('In sync');
});

test('a transfer is refused when two cities at the destination have the name of a linked city', async () => {
  const { staging, preprod } = world;
  await add(staging, 'city', { name: 'Hyderabad' });
  await preprod.sql.query(
    "insert into city (id, name, modified_at) values (1, 'Hyderabad', now(3)), (2, 'Hyderabad', now(3))",
  );
  const id = await add(staging, 'business', { cities: [{ city: 'Hyderabad', partner: null }] });
  expect(await reasons(staging, [{ entity: 'business', id }])).toEqual(['name-ambiguous']);
});

test('S0-101 a transfer adds a referenced row that the destination lacks, and is refused if that row is missing here as well', async () => {
  const { staging, preprod } = world;
  const business = await add(staging, 'business');
  const form = await add(staging, 'form');
  const task = await add(staging, 'task', { business, form });
  const key = { entity: 'task', id: task };
  const { plan } = await sheet(staging, [key]);
  expect(plan.steps.map(({ entity, because }) => [entity, because !== null])).toEqual([
    ['business', true],
    ['form', true],
    ['task', false],
  ]);
  await staging.sql.query('delete from business');
  expect(await reasons(staging, [key])).toEqual(['parent-missing']);
  expect(await has(preprod, key)).toBe(false);
});

test('a transfer is refused when a value is too long for its column at the destination', async () => {
  const { staging, preprod } = world;
  const id = await add(staging, 'banner', { title: 'x'.repeat(90) });
  await preprod.sql.query('alter table banner modify title varchar(60) not null');
  try {
    const { plan } = await sheet(staging, [{ entity: 'banner', id }]);
    expect(plan.problems[0]?.message).toContain(
      'has 90 characters; pre-production has room for 60',
    );
  } finally {
    await preprod.sql.query('alter table banner modify title varchar(100) not null');
  }
});

test('a transfer is refused when another row at the destination has the same unique value, and the problem names that row', async () => {
  const { staging, preprod } = world;
  for (const [entity, field] of [
    ['business', 'name'],
    ['form', 'name'],
  ] as const) {
    const there = await add(preprod, entity, { [field]: `Taken ${entity}` });
    const id = await add(staging, entity, { [field]: `Taken ${entity}` });
    const { plan } = await sheet(staging, [{ entity, id }]);
    expect(plan.problems.map(({ reason }) => reason)).toEqual(['unique-taken']);
    expect(plan.problems[0]?.message).toContain(String(there));
  }
});

test('J-1 a transfer is refused when the destination’s table lacks a column of the row', async () => {
  const { staging, preprod } = world;
  const id = await add(staging, 'banner');
  await preprod.sql.query('alter table banner drop column link');
  try {
    const { plan } = await sheet(staging, [{ entity: 'banner', id }]);
    expect(plan.problems.map(({ reason }) => reason)).toEqual(['column-missing']);
    expect(plan.problems[0]?.message).toContain('have no “Link” yet');
  } finally {
    await preprod.sql.query('alter table banner add column link varchar(300) null after image');
  }
});

test('J-1 a transfer is refused when the destination’s table requires a column that is unknown here', async () => {
  const { staging, preprod } = world;
  const id = await add(staging, 'sts', { business: await add(staging, 'business') });
  await preprod.sql.query('alter table sts add column channel varchar(10) not null');
  try {
    expect(await reasons(staging, [{ entity: 'sts', id }])).toEqual(['column-unknown']);
  } finally {
    await preprod.sql.query('alter table sts drop column channel');
  }
});

test('J-1 a transfer is refused while the destination’s database is being migrated to another version, or has no recorded version', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  await writeVersion(preprod.documents, { databaseVersion: '1.0.0', isUpdating: true });
  expect(await reasons(staging, [key])).toEqual(['updating']);
  await writeVersion(preprod.documents, { databaseVersion: '0.9.0', isUpdating: false });
  const { plan } = await sheet(staging, [key]);
  expect(plan.problems).toEqual([]);
  expect(plan.notices[0]).toContain('at version 0.9.0');
  await preprod.documents.collection('metadata').deleteMany({});
  expect(await reasons(staging, [key])).toEqual(['no-version']);
});

test('S0-33 a row that does not exist cannot be transferred, and neither can a city, an unknown type or a malformed key', async () => {
  const { staging } = world;
  const unknown = transfer(staging, [{ entity: 'task', id: 987_654 }]);
  expect(await refusalOf(unknown)).toEqual(['unknown-row']);
  expect(() => parseKeys(['person:1'])).toThrow(NotFound);
  expect(() => parseKeys(['task:1; drop table task'])).toThrow(Invalid);
  expect(() => parseKeys(['city:1'])).toThrow('belong to their environment');
});

test('sending a transfer sheet is refused and writes nothing when a row changed after the sheet was shown', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  const { selection, plan } = await sheet(staging, [key]);
  await change(staging, key, { description: 'One more thing' });
  const late = send(routeFrom(staging), selection, click(plan.hash));
  expect(await refusalOf(late)).toEqual(['sheet-outdated']);
  expect(await has(preprod, key)).toBe(false);
});

test('a transfer overwrites a row that changed at the destination only after a typed confirmation', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  await transfer(staging, [key]);
  await change(preprod, key, { description: 'Mended there' });
  await change(staging, key, { description: 'Ours' });
  expect(await reasons(staging, [key])).toEqual(['changed-there']);
  expect(await refusalOf(transfer(staging, [key]))).toEqual(['changed-there']);
  expect((await get(preprod, key))['description']).toBe('Mended there');
  await transfer(staging, [key], { overwrite: 'Overwrite' });
  expect((await get(preprod, key))['description']).toBe('Ours');
});

test('when two users send the same row at the same moment, one transfer succeeds and the other transfer is refused', async () => {
  const { staging, preprod } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  const { selection, plan } = await sheet(staging, [key]);
  const ends = await Promise.allSettled([
    send(routeFrom(staging), selection, click(plan.hash)),
    send(routeFrom(staging), selection, { ...click(plan.hash), person: 'other@example.com' }),
  ]);
  const states = ends.map((end) =>
    end.status === 'fulfilled' ? end.value.state : reasonsIn(end.reason).join(),
  );
  expect(states.filter((state) => state === 'verified')).toHaveLength(1);
  expect(['refused', 'being-written', 'already-sent', 'sheet-outdated', 'nothing-to-do']).toContain(
    states.find((state) => state !== 'verified'),
  );
  expect(await has(preprod, key)).toBe(true);
});

test('a double click sends one transfer, and its idempotency key (the random text in the form) is refused for another plan', async () => {
  const { staging } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  const { selection, plan } = await sheet(staging, [key]);
  const same = click(plan.hash);
  const [first, second] = await Promise.all([
    send(routeFrom(staging), selection, same),
    send(routeFrom(staging), selection, same),
  ]);
  expect(second.id).toBe(first.id);
  expect((await byKey(staging.sql, pm.email, same.idempotencyKey))?.state).toBe('verified');
  const other = { ...same, planHash: 'f'.repeat(64) };
  expect(await refusalOf(send(routeFrom(staging), selection, other))).toEqual(['key-reused']);
});

test('S0-23 S0-99 an engineer’s change cannot be sent until a product manager adopts it, and a later change must be adopted again', async () => {
  const { staging, preprod } = world;
  const form = await add(staging, 'form');
  const field = await add(staging, 'form_field', { form });
  const key = { entity: 'form', id: form };
  await transfer(staging, [key]);
  await change(staging, { entity: 'form_field', id: field }, { label: 'Debug label' }, ed);
  const { plan } = await sheet(staging, [key]);
  expect(plan.problems.map(({ reason }) => reason)).toEqual(['engineering']);
  expect(plan.problems[0]?.message).toContain('ed@example.com');
  expect(plan.problems[0]?.message).toContain('Label');
  await adoption.adopt(staging, pm.email, key, await markedAt(staging, key));
  expect(await reasons(staging, [key])).toEqual([]);
  await change(staging, { entity: 'form_field', id: field }, { label: 'Debug label 2' }, ed);
  expect(await reasons(staging, [key])).toEqual(['engineering']);
  expect((await get(preprod, { entity: 'form_field', id: field }))['label']).toBe('Date of birth');
});

test('adopting an engineer’s change is refused when an engineer saved the row again after the page was shown', async () => {
  const { staging } = world;
  const key = { entity: 'form', id: await add(staging, 'form', {}, ed) };
  const seen = await markedAt(staging, key);
  await change(staging, key, { description: 'Later' }, ed);
  await expect(adoption.adopt(staging, pm.email, key, seen)).rejects.toThrow('was saved again');
});

test('a transfer of a row marked Not for production is refused until a user removes the mark', async () => {
  const { staging } = world;
  const key = { entity: 'form', id: await add(staging, 'form') };
  await holds.hold(staging, pm.email, key, 'Only for the regression suite');
  expect(await reasons(staging, [key])).toEqual(['on-hold']);
  await holds.removeHold(staging, pm.email, key);
  expect(await reasons(staging, [key])).toEqual([]);
});

test('a transfer is refused when a text contains the host name of the environment that sends it', async () => {
  const { staging } = world;
  const id = await add(staging, 'banner', { link: 'https://staging.example.com/offers' });
  const route = { ...routeFrom(staging), hostHere: 'staging.example.com' };
  const { selection } = await sheet(staging, [{ entity: 'banner', id }]);
  const { plan } = await prepareSheet(route, selection);
  expect(plan.problems.map(({ reason }) => reason)).toEqual(['host-name']);
});
