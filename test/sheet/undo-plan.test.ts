// The plan of an undo, computed from rows that the test gives, without a database: which steps of a transfer are
// undone, and which rows are skipped.
import { expect, test } from 'vitest';
import { keyFrom, keyText, type Content, type Row } from '../../src/catalog/entity.ts';
import { noChoices, type Choices } from '../../src/sheet/choices.ts';
import type { Facts } from '../../src/sheet/facts.ts';
import { planUndo, rowBefore } from '../../src/sheet/undo-plan.ts';
import type { Step } from '../../src/writing/journal.ts';
import { actionsOf, claimOn, factsOf, referenceTo, row, stateOf } from '../support/facts.ts';

/** Builds a step of a transfer that replaced the content `before` by `after`; null means that there was no row. */
function stepOf(key: string, before: Content | null, after: Content | null): Step {
  return {
    ...keyFrom(key),
    title: key,
    action: before === null ? 'create' : after === null ? 'remove' : 'update',
    because: null,
    before: before && row(key, before),
    after: after && row(key, after),
    excludedFields: [],
  };
}

/**
 * Plans the undo of these steps. The rows of the destination are as the steps left them; `there` replaces single rows.
 */
function undoOf(
  steps: Step[],
  there: Record<string, Row | null> = {},
  more: Partial<Facts> = {},
  choices: Partial<Choices> = {},
) {
  const written = steps.map((step) => [keyText(step), step.after] as const);
  const rows = Object.entries({ ...Object.fromEntries(written), ...there });
  const given = Object.fromEntries(rows.map(([key, content]) => [key, { there: content }]));
  return planUndo(factsOf(given, more), steps, { ...noChoices, ...choices });
}

const skippedIn = ({ skipped }: ReturnType<typeof undoOf>) =>
  skipped.map((one) => keyText(one.row));

test('the undo of a transfer removes created rows, restores updated rows, and creates removed rows again', () => {
  const plan = undoOf([
    stepOf('form:1', null, { name: 'New' }),
    stepOf('form:2', { name: 'Old' }, { name: 'Newer' }),
    stepOf('form:3', { name: 'Gone' }, null),
  ]);
  expect(actionsOf(plan).toSorted()).toEqual(['create form:3', 'remove form:1', 'update form:2']);
  const after = new Map(plan.steps.map((step) => [keyText(step), step.after?.['name'] ?? null]));
  expect([after.get('form:1'), after.get('form:2'), after.get('form:3')]).toEqual([
    null,
    'Old',
    'Gone',
  ]);
  expect([plan.skipped, plan.problems]).toEqual([[], []]);
});

test.each<[string, Step, Content | null]>([
  ['edited', stepOf('form:1', { name: 'Old' }, { name: 'New' }), { name: 'By hand' }],
  ['deleted', stepOf('form:1', { name: 'Old' }, { name: 'New' }), null],
  ['re-created', stepOf('form:1', { name: 'Old' }, null), { name: 'By hand' }],
  ['already restored', stepOf('form:1', { name: 'Old' }, { name: 'New' }), { name: 'Old' }],
])('the undo of a transfer skips a row that was %s after the transfer', (_what, step, there) => {
  const plan = undoOf([step], { 'form:1': there && row('form:1', there) });
  expect(actionsOf(plan)).toEqual([]);
  expect(skippedIn(plan)).toEqual(['form:1']);
});

test('when the undo of a transfer skips a row that was edited later, the plan names the editor and the edited fields', () => {
  const later = row('form:1', { name: 'By hand' });
  const plan = undoOf(
    [stepOf('form:1', {}, { name: 'New' })],
    { 'form:1': later },
    { statesThere: new Map([['form:1', stateOf(later, 'form:1')]]) },
  );
  expect(plan.skipped[0]?.why).toContain('Name');
  expect(plan.skipped[0]?.why).toContain('ed@example.com');
});

test('the undo of a transfer neither writes nor lists a row that did not exist before the transfer and does not exist now', () => {
  const plan = undoOf([stepOf('form:1', null, null)]);
  expect([actionsOf(plan), skippedIn(plan)]).toEqual([[], []]);
});

test('the undo of a transfer keeps environment-specific fields of the destination, even when these fields changed after the transfer', () => {
  const key = 'external_tool:1';
  const step = stepOf(
    key,
    { business: 1, name: 'Old', endpoint: 'https://old.example.com' },
    { business: 1, name: 'New', endpoint: 'https://old.example.com' },
  );
  const there = row(key, { business: 1, name: 'New', endpoint: 'https://new.example.com' });
  expect(rowBefore(step, there)).toMatchObject({
    name: 'Old',
    endpoint: 'https://new.example.com',
  });
  const plan = undoOf([step], { [key]: there, 'business:1': row('business:1') });
  expect(plan.steps[0]?.after).toMatchObject({ name: 'Old', endpoint: 'https://new.example.com' });
});

test('the undo of a transfer skips a created row to which a later row refers', () => {
  const plan = undoOf(
    [stepOf('form:1', null, {})],
    {},
    { references: [referenceTo('form:1', 'task:7', 'form')] },
  );
  expect(skippedIn(plan)).toEqual(['form:1']);
});

test('the undo of a transfer removes a created row if the same undo also removes the references to this row', () => {
  const plan = undoOf(
    [stepOf('form:1', null, {}), stepOf('task:1', { business: 1 }, { business: 1, form: 1 })],
    { 'business:1': row('business:1') },
    { references: [referenceTo('form:1', 'task:1', 'form')] },
  );
  expect(actionsOf(plan).toSorted()).toEqual(['remove form:1', 'update task:1']);
});

test('when the undo of a transfer skips a row, the undo also skips the rows to which the skipped row refers', () => {
  const plan = undoOf(
    [
      stepOf('business:1', null, {}),
      stepOf('task:1', null, { business: 1 }),
      stepOf('sts:1', null, { business: 1, task: 1 }),
    ],
    { 'sts:1': row('sts:1', { business: 1, task: 1, text: 'By hand' }) },
    {
      references: [
        referenceTo('business:1', 'task:1', 'business'),
        referenceTo('task:1', 'sts:1', 'task'),
      ],
    },
  );
  expect(actionsOf(plan)).toEqual([]);
  expect(skippedIn(plan).toSorted()).toEqual(['business:1', 'sts:1', 'task:1']);
});

test('the undo of a transfer skips a row if its restored content would refer to a row that no longer exists', () => {
  const plan = undoOf([stepOf('task:1', { business: 1, title: 'Old' }, { business: 1 })]);
  expect(skippedIn(plan)).toEqual(['task:1']);
  const whole = undoOf([stepOf('business:1', {}, null), stepOf('task:1', { business: 1 }, null)]);
  expect(actionsOf(whole)).toEqual(['create business:1', 'create task:1']);
});

test('when two rows of an undo refer to the same row, the undo plan lists that row only once among the rows that must stay unchanged', () => {
  const plan = undoOf(
    [stepOf('task:1', { business: 1 }, null), stepOf('task:2', { business: 1 }, null)],
    { 'business:1': row('business:1') },
  );
  expect(plan.reliedOn).toEqual([keyFrom('business:1')]);
});

test('the undo of a transfer requires no typed confirmation, not even in production', () => {
  const plan = undoOf([stepOf('form:1', null, {})], {}, { to: 'production' });
  expect(plan.problems).toEqual([]);
  expect([plan.words.overwrite.isAsked, plan.words.remove.isAsked]).toEqual([false, false]);
});

test('an undo is refused if the destination records no database version, a row is being written, or another row has the name to restore', () => {
  const step = stepOf('form:1', { name: 'Old' }, { name: 'New' });
  const reasons = (more: Partial<Facts>) =>
    undoOf([step], {}, more).problems.map(({ reason }) => reason);
  expect(reasons({})).toEqual([]);
  expect(reasons({ version: null })).toEqual(['no-version']);
  expect(reasons({ claims: [claimOn('form:1')] })).toEqual(['being-written']);
  expect(reasons({ holders: new Map([['form.name:old', 2]]) })).toEqual(['unique-taken']);
});

const swap = [
  stepOf('form:1', { name: 'A' }, { name: 'B' }),
  stepOf('form:2', { name: 'B' }, { name: 'A' }),
];
const swapped = new Map([
  ['form.name:b', 1],
  ['form.name:a', 2],
]);

test('the undo of a transfer in which two rows swapped their names swaps the names back (F13)', () => {
  const plan = undoOf(swap, {}, { holders: swapped });
  expect(actionsOf(plan)).toEqual(['update form:1', 'update form:2']);
  expect(plan.problems).toEqual([]);
});

test('the undo of a transfer skips a row whose former name is still held by a skipped row (F13)', () => {
  const edited = { 'form:2': row('form:2', { name: 'A', description: 'By hand' }) };
  const plan = undoOf(swap, edited, { holders: swapped });
  expect(actionsOf(plan)).toEqual([]);
  expect(skippedIn(plan).toSorted()).toEqual(['form:1', 'form:2']);
  expect(plan.skipped.at(-1)?.why).toContain('“form:2”, which stays');
});

test('undoing only one of two rows that swapped their names is refused, and the sheet offers to undo the other row as well (F13)', () => {
  const otherHolders = new Map([
    ['form:2', { title: 'A', isHere: true, after: row('form:2', { name: 'B' }) }],
  ]);
  const plan = undoOf(swap.slice(0, 1), {}, { holders: swapped, otherHolders });
  expect(plan.problems).toMatchObject([
    { reason: 'unique-taken', solutions: [{ kind: 'add', keys: [keyFrom('form:2')] }, {}, {}] },
  ]);
});

test('the undo of a transfer can create a linked city again that was deleted at the destination meanwhile', () => {
  const cities = [{ city: 'Pune', partner: null }];
  const step = stepOf('business:1', { cities }, {});
  const reasons = (choices: Partial<Choices>) =>
    undoOf([step], {}, {}, choices).problems.map(({ reason }) => reason);
  expect(reasons({})).toEqual(['name-missing']);
  expect(reasons({ create: ['city:Pune'] })).toEqual([]);
});

test('the hash of an undo plan changes when the row at the destination changes', () => {
  const key = 'external_tool:1';
  const step = stepOf(key, { business: 1, name: 'Old' }, { business: 1, name: 'New' });
  const parent = { 'business:1': row('business:1') };
  const same = undoOf([step], parent);
  expect(undoOf([step], parent).hash).toBe(same.hash);
  const edited = { ...parent, [key]: row(key, { business: 1, name: 'By hand' }) };
  expect(undoOf([step], edited).hash).not.toBe(same.hash);
});
