// Handovers: rows take unique names that other rows give up in the same transfer, in MySQL and in MongoDB. The tests
// send, undo and restore such rows.
import { afterEach, expect, test } from 'vitest';
import { v4 as uuid } from 'uuid';
import { entityNamed } from '../../src/catalog/index.ts';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import type { App } from '../../src/environments/app.ts';
import { collection } from '../../src/rows/mongo.ts';
import { readOne } from '../../src/rows/store.ts';
import { bulk } from '../../src/writing/documents.ts';
import { byId, stepsOf } from '../../src/writing/journal.ts';
import { resolveManually } from '../../src/writing/manual-resolution.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { noChoices } from '../../src/sheet/choices.ts';
import { rehearse } from '../../src/sheet/rehearsal.ts';
import { routeFrom as routeOf } from '../../src/sheet/route.ts';
import * as selections from '../../src/sheet/selections.ts';
import { prepareSheet } from '../../src/sheet/sheet.ts';
import { send } from '../../src/transfers/send.ts';
import { contents } from '../support/checker.ts';
import { recoverNow } from '../support/killing.ts';
import {
  add,
  change,
  pm,
  routeFrom,
  sheet,
  transfer,
  undo,
  undoSheet,
  writeContextOf,
} from '../support/rows.ts';
import { rawForms, rename } from '../support/handovers.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const documentsPerPart = bulk.size;
afterEach(() => {
  failpoints.reached = () => {};
  bulk.size = documentsPerPart;
});

const entities = ['business', 'form'] as const;

/** Adds rows with these names in staging, and sends them to pre-production. */
async function sent(entity: string, names: string[]): Promise<RowKey[]> {
  const keys: RowKey[] = [];
  for (const name of names) keys.push({ entity, id: await add(world.staging, entity, { name }) });
  await transfer(world.staging, keys);
  return keys;
}

/** Changes the names of several rows in staging in one write. */
const hand = (keys: RowKey[], names: string[]) => rename(world.staging, keys, names);

const namesIn = async (here: App, keys: RowKey[]) => {
  const names: unknown[] = [];
  for (const key of keys) names.push((await readOne(here, key))?.['name'] ?? null);
  return names;
};

async function expectSent(keys: RowKey[], names: (string | null)[]) {
  const before = await contents(world.preprod);
  const ended = await transfer(world.staging, keys);
  expect((await byId(world.staging.sql, ended.id))?.problem ?? null).toBeNull();
  expect(ended.state).toBe('verified');
  expect(await namesIn(world.preprod, keys)).toEqual(names);
  expect((await rawForms(world.preprod)).filter(({ temporary }) => temporary)).toEqual([]);
  const steps = await stepsOf(world.staging.sql, ended.id);
  expect(steps.map(({ outcome }) => outcome)).not.toContain('changed since');
  const undone = await undo(world.staging, ended);
  expect((await byId(world.staging.sql, undone.id))?.problem ?? null).toBeNull();
  expect(undone.state).toBe('verified');
  expect(await contents(world.preprod)).toEqual(before);
  return ended;
}

/** Opens the transfer sheet that restores rows from production. */
async function restoreSheet(here: App, keys: RowKey[]) {
  const route = routeOf(here, pm.email, 'restore');
  const id = await selections.create(here.sql, pm.email, { keys, kind: 'restore' });
  const selection = {
    ...(await selections.find(here.sql, id, 'restore')),
    choices: { ...noChoices, overwrite: 'overwrite' },
  };
  const { plan } = await prepareSheet(route, selection);
  return { route, selection, plan };
}

async function restore(here: App, keys: RowKey[]) {
  const { route, selection, plan } = await restoreSheet(here, keys);
  selection.choices.typedFor = plan.hash;
  return send(route, selection, {
    planHash: plan.hash,
    idempotencyKey: uuid(),
    name: 'Restore',
    reason: 'It was better before',
    person: pm.email,
  });
}

test.each(entities)(
  'a transfer sends two %s rows that swap their unique names, and its undo swaps the names back (F13)',
  async (entity) => {
    const keys = await sent(entity, ['Swap A', 'Swap B']);
    await hand(keys, ['Swap B', 'Swap A']);
    await expectSent(keys, ['Swap B', 'Swap A']);
  },
);

test.each(entities)(
  'a transfer sends three %s rows that pass their unique names around in a circle, and its undo restores the names (F13)',
  async (entity) => {
    const keys = await sent(entity, ['A', 'B', 'C']);
    await hand(keys, ['B', 'C', 'A']);
    await expectSent(keys, ['B', 'C', 'A']);
  },
);

test.each(entities)(
  'a transfer sends two %s rows that swap their unique names with a changed spelling, and its undo restores the names (F13)',
  async (entity) => {
    const keys = await sent(entity, ['Corner Café', 'Ｔea House']);
    await hand(keys, ['tea house', 'CORNER CAFÉ']);
    await expectSent(keys, ['tea house', 'CORNER CAFÉ']);
  },
);

test.each(entities)(
  'a transfer sends a chain of %s rows that each take the name of the next row, and its undo restores the names (F13)',
  async (entity) => {
    const keys = await sent(entity, ['A', 'B', 'C']);
    await hand(keys, ['B', 'C', 'D']);
    await expectSent(keys, ['B', 'C', 'D']);
  },
);

test.each(entities)(
  'a new %s can take the name that another row gives up in the same transfer (F13)',
  async (entity) => {
    const [former] = await sent(entity, ['Corner Café']);
    await hand([former!], ['Corner Bakery']);
    const next = { entity, id: await add(world.staging, entity, { name: 'Corner Café' }) };
    await expectSent([next, former!], ['Corner Café', 'Corner Bakery']);
  },
);

test.each(entities)(
  'a transfer can give the name of a deleted %s to a new row or to an existing row (F13)',
  async (entity) => {
    const [gone, other, last] = await sent(entity, ['A', 'B', 'C']);
    await remove(writeContextOf(world.staging), pm, entityNamed(entity), gone!.id);
    await remove(writeContextOf(world.staging), pm, entityNamed(entity), last!.id);
    await hand([other!], ['A']);
    const next = { entity, id: await add(world.staging, entity, { name: 'C' }) };
    await expectSent([gone!, other!, last!, next], [null, 'A', null, 'C']);
  },
);

test('a new form can take the name of a deleted form whose field and task move to the new form in the same transfer (F13)', async () => {
  const { staging, preprod } = world;
  const [former] = await sent('form', ['Address']);
  const business = await add(staging, 'business');
  const field = {
    entity: 'form_field',
    id: await add(staging, 'form_field', { form: former!.id }),
  };
  const task = { entity: 'task', id: await add(staging, 'task', { business, form: former!.id }) };
  await transfer(staging, [task, former!]);
  await hand([former!], ['Address, old']);
  const next = { entity: 'form', id: await add(staging, 'form', { name: 'Address' }) };
  await change(staging, task, { form: next.id });
  await change(staging, field, { form: next.id });
  await remove(writeContextOf(staging), pm, entityNamed('form'), former!.id);
  await expectSent([former!, next, task], [null, 'Address', null]);
  expect(await namesIn(preprod, [former!])).toEqual(['Address']);
});

test.each(entities)(
  'when only one of two %s rows that swap their names is selected, the sheet offers to add the other row, and then both are sent (F13)',
  async (entity) => {
    const keys = await sent(entity, ['A', 'B']);
    await hand(keys, ['B', 'A']);
    const { plan } = await sheet(world.staging, [keys[0]!]);
    expect(plan.problems.map(({ reason }) => reason)).toEqual(['unique-taken']);
    const added = plan.problems.flatMap(({ solutions }) =>
      solutions.flatMap((solution) => (solution.kind === 'add' ? solution.keys : [])),
    );
    expect(added.map(keyText)).toEqual([keyText(keys[1]!)]);
    await expectSent([keys[0]!, ...added], ['B', 'A']);
  },
);

test('undoing only one of two forms that swapped their names is refused, and the sheet offers to undo the other form as well (F13)', async () => {
  const keys = await sent('form', ['A', 'B']);
  await hand(keys, ['B', 'A']);
  const swap = await transfer(world.staging, keys);
  const { plan } = await undoSheet(world.staging, swap, [keys[0]!]);
  expect(plan.problems).toMatchObject([
    { reason: 'unique-taken', solutions: [{ kind: 'add', keys: [keys[1]] }, {}, {}] },
  ]);
});

test('a rehearsal (tries a transfer and rolls it back) accepts two businesses that swap their names (F13)', async () => {
  const keys = await sent('business', ['A', 'B']);
  await hand(keys, ['B', 'A']);
  const { selection } = await sheet(world.staging, keys);
  expect((await rehearse(routeFrom(world.staging), selection)).isRefused).toBe(false);
});

test.each(entities)(
  'a restore from production swaps back the names of two %s rows that swapped them in staging (F13)',
  async (entity) => {
    const { staging, preprod, production } = world;
    const keys = await sent(entity, ['A', 'B']);
    await transfer(preprod, keys);
    await hand(keys, ['B', 'A']);
    const half = await restoreSheet(staging, [keys[0]!]);
    expect(half.plan.problems).toMatchObject([
      { reason: 'changed-there' },
      {
        reason: 'unique-taken',
        solutions: [
          { kind: 'add', keys: [keys[1]] },
          { kind: 'edit', key: keys[1] },
        ],
      },
    ]);
    const restored = await restore(staging, keys);
    expect(restored.state).toBe('verified');
    expect(await contents(staging)).toEqual(await contents(production));
  },
);

test('apps see no temporary name while a transfer swaps the names of two forms, and both forms get a later modified_at (F13)', async () => {
  const keys = await sent('form', ['A', 'B']);
  const before = await rawForms(world.preprod);
  await hand(keys, ['B', 'A']);
  const seen: string[] = [];
  failpoints.reached = async (point) => {
    const now = await rawForms(world.preprod);
    if (now.some(({ temporary }) => temporary)) seen.push(point);
  };
  await transfer(world.staging, keys);
  // The temporary and the final name are written in one round trip, so no form has its temporary name at any failpoint.
  expect(seen).toEqual([]);
  const after = await rawForms(world.preprod);
  const times = (forms: typeof before) => forms.map((one) => one.modified_at?.getTime() ?? 0);
  expect(Math.min(...times(after))).toBeGreaterThan(Math.max(...times(before)));
});

test('another user’s change to a form that has a temporary name is kept when a rollback restores the form’s real name (F13)', async () => {
  const { staging, preprod } = world;
  const keys = await sent('form', ['A', 'B']);
  await hand(keys, ['B', 'A']);
  bulk.size = 1;
  failpoints.reached = async (point) => {
    if (point !== 'document') return;
    failpoints.reached = () => {};
    const forms = collection(preprod.documents, entityNamed('form'));
    const { modifiedCount } = await forms.updateMany(
      { temporary: { $exists: true } },
      { $set: { description: 'Theirs' } },
    );
    expect(modifiedCount).toBe(1);
  };
  const { id } = await transfer(staging, keys);
  const stuck = await byId(staging.sql, id);
  expect(stuck?.state).toBe('needs_attention');
  await resolveManually(staging, preprod, stuck!, { choice: 'roll-back', person: pm.email });
  await recoverNow(staging);
  expect(await rawForms(preprod)).toMatchObject([
    { name: 'A', description: 'Theirs' },
    { name: 'B' },
  ]);
  expect((await rawForms(preprod)).filter(({ temporary }) => temporary)).toEqual([]);
});
