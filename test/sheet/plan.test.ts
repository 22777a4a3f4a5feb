// The plan of a transfer, computed from rows that the test gives, without a database: which rows the transfer writes,
// with which content, and which confirmations the user must type.
import { expect, test } from 'vitest';
import { statuses, type Status } from '../../src/state/status.ts';
import {
  actionsOf,
  claimOn,
  factsOf,
  planOf,
  planWithWords,
  referenceTo,
  type GivenRow,
} from '../support/facts.ts';

const [one, two, three] = [{ name: 'One' }, { name: 'Two' }, { name: 'Three' }];

const byStatus: Record<Status, { row: GivenRow; actions: string[]; needsWord: boolean }> = {
  New: { row: { here: one }, actions: ['create form:1'], needsWord: false },
  'In sync': {
    row: { here: one, base: one, there: one },
    actions: ['same form:1'],
    needsWord: false,
  },
  'Changed here': {
    row: { here: two, base: one, there: one },
    actions: ['update form:1'],
    needsWord: false,
  },
  'Changed there': {
    row: { here: one, base: one, there: two },
    actions: ['update form:1'],
    needsWord: true,
  },
  'Changed on both': {
    row: { here: two, base: one, there: three },
    actions: ['update form:1'],
    needsWord: true,
  },
  'Not known to be the same row': {
    row: { here: one, there: two },
    actions: ['update form:1'],
    needsWord: true,
  },
  'Deleted here': {
    row: { isDeletedHere: true, base: one, there: one },
    actions: ['remove form:1'],
    needsWord: false,
  },
  'Deleted here, changed there': {
    row: { isDeletedHere: true, base: one, there: two },
    actions: ['remove form:1'],
    needsWord: true,
  },
  'Deleted there': {
    row: { here: one, base: one },
    actions: ['create form:1'],
    needsWord: true,
  },
  'Changed here, deleted there': {
    row: { here: two, base: one },
    actions: ['create form:1'],
    needsWord: true,
  },
  'Only there': { row: { base: one, there: one }, actions: [], needsWord: false },
};

test.each(statuses)(
  'the transfer plan for a row with the status “%s” has the expected action, and needs a typed confirmation only to overwrite a change',
  (status) => {
    const { row, actions, needsWord } = byStatus[status];
    const facts = factsOf({ 'form:1': row });
    expect(facts.pairs.get('form:1')?.status).toBe(status);
    const plan = planOf(facts);
    expect(actionsOf(plan)).toEqual(actions);
    expect(plan.words.overwrite).toEqual({ isAsked: needsWord, isTyped: false });
    expect(planWithWords(facts, { overwrite: 'overwrite' }).problems).toEqual([]);
  },
);

test('the transfer plan keeps the destination’s value of an excluded field, and writes nothing when all changed fields are excluded', () => {
  const row = {
    here: { name: 'New', description: 'New' },
    base: { name: 'Old' },
    there: { name: 'Old' },
  };
  const facts = factsOf({ 'form:1': row });
  const plan = planOf(facts, { excludedFields: { 'form:1': ['name'] } });
  expect(plan.steps[0]).toMatchObject({
    action: 'update',
    excludedFields: ['name'],
    after: { name: 'Old', description: 'New' },
  });
  const all = planOf(facts, { excludedFields: { 'form:1': ['name', 'description'] } });
  expect(actionsOf(all)).toEqual(['same form:1']);
});

test('the transfer plan requires no typed confirmation when the user excludes the field that changed at the destination', () => {
  const facts = factsOf({
    'form:1': {
      here: { name: 'New' },
      base: { name: 'Old' },
      there: { name: 'Old', description: 'By hand' },
    },
  });
  expect(planOf(facts).words.overwrite.isAsked).toBe(true);
  const plan = planOf(facts, { excludedFields: { 'form:1': ['description'] } });
  expect(plan.words.overwrite.isAsked).toBe(false);
  expect(plan.steps[0]?.after).toMatchObject({ name: 'New', description: 'By hand' });
});

test('the transfer plan keeps the destination’s values of environment-specific fields, and uses typed values for a row that is new there', () => {
  const own = { business: 1, endpoint: 'https://here.example.com' };
  const parent = { 'business:1': { here: {}, base: {}, there: {} } };
  const known = factsOf({
    ...parent,
    'external_tool:1': {
      here: { ...own, name: 'New' },
      base: { business: 1 },
      there: { business: 1, endpoint: 'https://there.example.com' },
    },
  });
  expect(planOf(known).steps.find(({ entity }) => entity === 'external_tool')?.after).toMatchObject(
    { name: 'New', endpoint: 'https://there.example.com' },
  );
  const fresh = factsOf({ ...parent, 'external_tool:1': { here: own } });
  const created = (locals: Record<string, Record<string, string>>) =>
    planOf(fresh, { locals }).steps.find(({ action }) => action === 'create')?.after;
  expect(created({})).toMatchObject({ endpoint: null });
  expect(created({ 'external_tool:1': { endpoint: 'https://new.example.com' } })).toMatchObject({
    endpoint: 'https://new.example.com',
  });
});

test('the transfer plan updates unchanged rows only if the user asks to send them again', () => {
  const facts = factsOf({ 'form:1': { here: one, base: one, there: one } });
  expect(actionsOf(planOf(facts))).toEqual(['same form:1']);
  expect(actionsOf(planOf(facts, { resend: true }))).toEqual(['update form:1']);
});

test('the transfer plan creates a missing city once, before the rows that are linked with it', () => {
  const cities = [{ city: 'Pune', partner: null }];
  const facts = factsOf({
    'business:1': { here: { cities } },
    'business:2': { here: { cities } },
  });
  const plan = planOf(facts, { create: ['city:Pune'] });
  expect(actionsOf(plan)).toEqual(['create city:-1', 'create business:1', 'create business:2']);
  expect(plan.problems).toEqual([]);
});

test('the transfer plan counts the rows at the destination that refer to an updated row', () => {
  const plan = planOf(
    factsOf(
      { 'form:1': { here: two, base: one, there: one } },
      {
        references: [
          referenceTo('form:1', 'task:1', 'form'),
          referenceTo('form:1', 'task:2', 'form'),
        ],
      },
    ),
  );
  expect(plan.notices).toHaveLength(1);
  expect(plan.notices[0]).toContain('2 tasks');
});

test('the transfer plan has a notice if the databases of the source and the destination have different versions', () => {
  const version = { databaseVersion: '1.1.0', isUpdating: false };
  const plan = planOf(factsOf({ 'form:1': { here: one } }, { version }));
  expect(plan.notices).toHaveLength(1);
  expect(plan.notices[0]).toContain('1.1.0');
});

test('the hash of a transfer plan depends on the row’s content on both sides and on the destination, but not on the mark Not for production', () => {
  const hashes = [
    planOf(factsOf({ 'form:1': { here: two, base: one, there: one } })),
    planOf(factsOf({ 'form:1': { here: three, base: one, there: one } })),
    planOf(factsOf({ 'form:1': { here: two, base: one, there: three } })),
    planOf(factsOf({ 'form:1': { here: two } })),
    planOf(factsOf({ 'form:1': { here: two, base: one, there: one } }, { to: 'production' })),
  ].map(({ hash }) => hash);
  expect(new Set(hashes).size).toBe(hashes.length);
  const again = planOf(
    factsOf(
      { 'form:1': { here: two, base: one, there: one, state: { held_by: 'pm@example.com' } } },
      { hostHere: 'staging.example.com' },
    ),
  );
  expect(again.hash).toBe(hashes[0]);
});

test('a confirmation that the user typed for one transfer plan does not confirm another plan', () => {
  const facts = factsOf({ 'form:1': { here: one, base: one, there: two } });
  const former = planOf(facts).hash;
  const later = factsOf({ 'form:1': { here: one, base: one, there: three } });
  const typed = { overwrite: ' Overwrite ', typedFor: former };
  expect(planOf(facts, typed).words.overwrite.isTyped).toBe(true);
  expect(planOf(later, typed).words.overwrite.isTyped).toBe(false);
});

test('a transfer plan reports all its problems at once, not only the first problem', () => {
  const facts = factsOf(
    {
      'form:1': { here: two, base: one, there: { name: 'By hand' } },
      'form:2': { here: {} },
      'form:3': {},
    },
    {
      claims: [claimOn('form:2')],
      version: { databaseVersion: '1.0.0', isUpdating: true },
    },
  );
  expect(planOf(facts).problems.map(({ reason }) => reason)).toEqual([
    'updating',
    'unknown-row',
    'changed-there',
    'being-written',
  ]);
});

test('a transfer plan reports no problems for rows that it leaves unchanged', () => {
  const facts = factsOf(
    { 'form:1': { here: {}, base: {}, there: {}, state: { engineering_by: 'ed@example.com' } } },
    { claims: [claimOn('form:1')] },
  );
  expect(planOf(facts).problems).toEqual([]);
});
