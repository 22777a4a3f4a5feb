// Which rows a transfer of chosen rows includes, computed from rows that the test gives, without a database: dependent
// rows, referenced rows, and referenced rows that the sheet only offers.
import { expect, test } from 'vitest';
import { keyFrom } from '../../src/catalog/entity.ts';
import { actionsOf, factsOf, planOf } from '../support/facts.ts';

const [one, two] = [{ name: 'One' }, { name: 'Two' }];

test('a transfer of a form includes its fields, and removes at the destination the fields that were deleted here', () => {
  const plan = planOf(
    factsOf(
      {
        'form:1': { here: one, base: one, there: one },
        'form_field:1': { here: { form: 1 } },
        'form_field:2': { here: { form: 1 }, base: { form: 1 }, there: { form: 1 } },
        'form_field:3': { isDeletedHere: true, base: { form: 1 }, there: { form: 1 } },
      },
      { chosen: [keyFrom('form:1')] },
    ),
  );
  expect(actionsOf(plan).toSorted()).toEqual([
    'create form_field:1',
    'remove form_field:3',
    'same form:1',
    'same form_field:2',
  ]);
  expect(plan.steps.map(({ because }) => because === null)).toContain(true);
  expect(new Set(plan.steps.map(({ root }) => `${root.entity}:${root.id}`))).toEqual(
    new Set(['form:1']),
  );
});

test('a transfer keeps a dependent row that exists only at the destination, and the transfer sheet mentions this row', () => {
  const plan = planOf(
    factsOf({
      'form:1': { here: two, base: one, there: one },
      'form_field:1': { there: { form: 1, label: 'Date of birth' } },
    }),
  );
  expect(actionsOf(plan)).toEqual(['update form:1']);
  expect(plan.notices).toHaveLength(1);
  expect(plan.notices[0]).toContain('Date of birth');
});

test('a transfer that removes a form also removes a field of it that exists only at the destination, after a typed confirmation', () => {
  const plan = planOf(
    factsOf({
      'form:1': { isDeletedHere: true, base: one, there: one },
      'form_field:1': { there: { form: 1 } },
    }),
  );
  expect(actionsOf(plan).toSorted()).toEqual(['remove form:1', 'remove form_field:1']);
  expect(plan.words.overwrite.isAsked).toBe(true);
});

test('a transfer adds referenced rows that the destination lacks, and writes them first', () => {
  const plan = planOf(
    factsOf(
      {
        'task:1': { here: { business: 1, form: 1 } },
        'business:1': { here: {} },
        'form:1': { here: {} },
        'external_tool:1': { here: { business: 1 } },
      },
      { chosen: [keyFrom('task:1')] },
    ),
  );
  expect(actionsOf(plan)).toHaveLength(4);
  const order = actionsOf(plan);
  const before = (first: string, second: string) =>
    order.indexOf(`create ${first}`) < order.indexOf(`create ${second}`);
  expect([
    before('business:1', 'task:1'),
    before('form:1', 'task:1'),
    before('business:1', 'external_tool:1'),
  ]).toEqual([true, true, true]);
  expect(plan.problems).toEqual([]);
});

test('a transfer adds no referenced rows for a row that is in sync', () => {
  const task = { business: 1 };
  const plan = planOf(
    factsOf(
      { 'task:1': { here: task, base: task, there: task }, 'business:1': { here: {} } },
      { chosen: [keyFrom('task:1')] },
    ),
  );
  expect(actionsOf(plan)).toEqual(['same task:1']);
});

const withChangedParent = factsOf(
  {
    'task:1': { here: { business: 1 } },
    'business:1': { here: two, base: one, there: one },
  },
  { chosen: [keyFrom('task:1')] },
);

test('the transfer sheet offers to add a referenced row that differs at the destination, and leaves this row unchanged by default', () => {
  const plan = planOf(withChangedParent);
  expect(actionsOf(plan)).toEqual(['create task:1']);
  expect(plan.offers).toMatchObject([
    { key: keyFrom('business:1'), title: 'Two', status: 'Changed here' },
  ]);
  expect(plan.reliedOn).toEqual([keyFrom('business:1')]);
});

test('when the user adds a referenced row that the transfer sheet offers, the transfer writes this row, too', () => {
  const plan = planOf(withChangedParent, { include: ['business:1'] });
  expect(actionsOf(plan)).toEqual(['update business:1', 'create task:1']);
  expect([plan.offers, plan.reliedOn]).toEqual([[], []]);
});

test('the row to which an excluded reference field refers is not added to the transfer', () => {
  const facts = factsOf(
    {
      'task:1': {
        here: { business: 1, form: 1, priority: 5 },
        base: { business: 1 },
        there: { business: 1 },
      },
      'business:1': { here: {}, base: {}, there: {} },
      'form:1': { here: {} },
    },
    { chosen: [keyFrom('task:1')] },
  );
  expect(actionsOf(planOf(facts))).toEqual(['create form:1', 'update task:1']);
  const plan = planOf(facts, { excludedFields: { 'task:1': ['form'] } });
  expect(actionsOf(plan)).toEqual(['update task:1']);
  expect(plan.steps[0]?.after).toMatchObject({ priority: 5, form: null });
});
