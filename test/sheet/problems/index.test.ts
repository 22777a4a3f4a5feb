// For every reason why a transfer plan cannot be sent: rows and choices that cause the problem, and what resolves the
// problem.
import { expect, test } from 'vitest';
import { hashOf } from '../../../src/catalog/content.ts';
import { keyFrom } from '../../../src/catalog/entity.ts';
import { readField } from '../../../src/catalog/misfits.ts';
import { entityNamed } from '../../../src/catalog/index.ts';
import type { Choices } from '../../../src/sheet/choices.ts';
import type { Column } from '../../../src/rows/table-columns.ts';
import type { Facts } from '../../../src/sheet/facts.ts';
import { reasons, type Reason, type Solution } from '../../../src/sheet/problem.ts';
import {
  claimOn,
  factsOf,
  namesOf,
  planOf,
  planWithWords,
  referenceTo,
  row,
  type GivenRow,
} from '../../support/facts.ts';

type Example = {
  facts: Facts;
  choices?: Partial<Choices>;
  row: string | null;
  solutions: Solution['kind'][];
  /**
   * Facts (such as the rows of both sides), choices or typed confirmations with which the problem does not occur.
   */
  without: { facts: Facts } | { choices: Partial<Choices> } | { words: Partial<Choices> };
};

const added: Record<string, GivenRow> = { 'form:1': { here: {} } };
const changed: GivenRow = { here: { name: 'New' }, base: {}, there: {} };
const deleted: GivenRow = { isDeletedHere: true, base: {}, there: {} };
const linked = { cities: [{ city: 'Pune', partner: 'Café Coral' }] };
const pune = { city: { Pune: [1] }, partner: { 'Café Coral': [1] } };

/** The columns of the table `task` at the destination, with the columns in `more` but not the column `without`. */
const taskColumns = (more: Record<string, Partial<Column>>, without = '') => {
  const known = ['title', 'message', 'business_id', 'form_id', 'priority', 'active'];
  const names = new Set([...known.filter((name) => name !== without), ...Object.keys(more)]);
  const columnOf = (name: string) => ({
    maxLength: null,
    isRequired: false,
    charset: null,
    ...more[name],
  });
  return new Map([['task', new Map([...names].map((name) => [name, columnOf(name)]))]]);
};
const task: Record<string, GivenRow> = {
  'business:1': { here: {}, base: {}, there: {} },
  'task:1': { here: { business: 1, title: 'Book a visit' } },
};

/** A form whose description another program stored as a number. */
function unfitForm() {
  const read = row('form:1');
  const { description } = entityNamed('form').fields;
  if (description) readField(entityNamed('form'), read, ['description', description], 5);
  return read;
}

const examples: Record<Reason, Example> = {
  'no-version': {
    facts: factsOf(added, { version: null }),
    row: null,
    solutions: ['engineer'],
    without: { facts: factsOf(added) },
  },
  updating: {
    facts: factsOf(added, { version: { databaseVersion: '1.0.0', isUpdating: true } }),
    row: null,
    solutions: ['wait'],
    without: { facts: factsOf(added) },
  },
  'unknown-row': {
    facts: factsOf({ 'form:1': {} }),
    row: 'form:1',
    solutions: [],
    without: { facts: factsOf(added) },
  },
  engineering: {
    facts: factsOf({
      'form:1': { ...changed, state: { engineering_by: 'ed@example.com' } },
    }),
    row: 'form:1',
    solutions: ['adopt', 'edit'],
    without: { facts: factsOf({ 'form:1': changed }) },
  },
  'on-hold': {
    facts: factsOf({ 'form:1': { ...changed, state: { held_at: '2026-01-01T00:00:00.000Z' } } }),
    row: 'form:1',
    solutions: ['lift-hold'],
    without: { facts: factsOf({ 'form:1': changed }) },
  },
  'changed-there': {
    facts: factsOf({ 'form:1': { ...changed, there: { name: 'By hand' } } }),
    row: 'form:1',
    solutions: ['take-over', 'overwrite'],
    without: { words: { overwrite: 'overwrite' } },
  },
  undone: {
    facts: factsOf({
      'form:1': {
        ...changed,
        destinationState: {
          undone_hash: hashOf(entityNamed('form'), row('form:1', { name: 'New' })),
          undone_by: 'pm@example.com',
        },
      },
    }),
    row: 'form:1',
    solutions: ['again'],
    without: { choices: { again: ['form:1'] } },
  },
  'not-tested': {
    facts: factsOf(added, {
      from: 'preprod',
      to: 'production',
      testedForSender: 'pm@example.com',
    }),
    row: 'form:1',
    solutions: ['test'],
    without: { facts: factsOf(added, { from: 'preprod', to: 'production' }) },
  },
  deletion: {
    facts: factsOf({ 'form:1': deleted }, { from: 'preprod', to: 'production' }),
    row: null,
    solutions: ['delete'],
    without: { words: { remove: 'delete' } },
  },
  'still-used': {
    facts: factsOf(
      { 'form:1': deleted },
      { references: [referenceTo('form:1', 'task:7', 'form')] },
    ),
    row: 'form:1',
    solutions: ['add', 'edit'],
    without: { facts: factsOf({ 'form:1': deleted }) },
  },
  'parent-missing': {
    facts: factsOf({ 'task:1': { here: { business: 1 } } }),
    row: 'task:1',
    solutions: ['edit'],
    without: { facts: factsOf(task) },
  },
  'name-missing': {
    facts: factsOf(
      { 'business:1': { here: linked } },
      { names: namesOf({ ...pune, partner: {} }) },
    ),
    row: 'business:1',
    solutions: ['create-name', 'map-name'],
    without: { choices: { create: ['partner:Café Coral'] } },
  },
  'name-ambiguous': {
    facts: factsOf(
      { 'business:1': { here: linked } },
      { names: namesOf({ ...pune, city: { Pune: [9, 10] } }) },
    ),
    row: 'business:1',
    solutions: ['map-name'],
    without: { facts: factsOf({ 'business:1': { here: linked } }, { names: namesOf(pune) }) },
  },
  'name-spelled-otherwise': {
    facts: factsOf(
      { 'business:1': { here: linked } },
      {
        names: namesOf({ ...pune, city: {} }),
        otherSpellings: new Map([['city:Pune', ['ＰＵＮＥ']]]),
      },
    ),
    row: 'business:1',
    solutions: ['map-name'],
    without: { facts: factsOf({ 'business:1': { here: linked } }, { names: namesOf(pune) }) },
  },
  'column-missing': {
    facts: factsOf(task, { columns: taskColumns({}, 'message') }),
    row: null,
    solutions: ['engineer'],
    without: { facts: factsOf(task, { columns: taskColumns({}) }) },
  },
  'column-unknown': {
    facts: factsOf(task, {
      columns: taskColumns({ colour: { isRequired: true } }),
    }),
    row: null,
    solutions: ['engineer'],
    without: {
      facts: factsOf(task, {
        columns: taskColumns({ colour: { isRequired: false } }),
      }),
    },
  },
  'value-too-long': {
    facts: factsOf(task, {
      columns: taskColumns({ title: { maxLength: 11 } }),
    }),
    row: 'task:1',
    solutions: ['edit'],
    without: {
      facts: factsOf(task, {
        columns: taskColumns({ title: { maxLength: 12 } }),
      }),
    },
  },
  'value-unstorable': {
    facts: factsOf(
      { ...task, 'task:1': { here: { business: 1, title: 'Book 🙂' } } },
      { columns: taskColumns({ title: { charset: 'utf8mb3' } }) },
    ),
    row: 'task:1',
    solutions: ['edit', 'engineer'],
    without: {
      facts: factsOf(task, { columns: taskColumns({ title: { charset: 'utf8mb3' } }) }),
    },
  },
  'row-unfit': {
    facts: factsOf({ 'form:1': { here: unfitForm() } }),
    row: 'form:1',
    solutions: ['edit'],
    without: { facts: factsOf(added) },
  },
  'local-value': {
    facts: factsOf({
      'business:1': { here: {}, base: {}, there: {} },
      'external_tool:1': { here: { business: 1 } },
    }),
    choices: { locals: { 'external_tool:1': { endpoint: 'javascript:alert(1)' } } },
    row: 'external_tool:1',
    solutions: [],
    without: { choices: { locals: { 'external_tool:1': { endpoint: 'https://example.com' } } } },
  },
  'unique-taken': {
    facts: factsOf({ 'form:1': changed }, { holders: new Map([['form.name:new', 2]]) }),
    row: 'form:1',
    solutions: ['edit'],
    without: {
      facts: factsOf({ 'form:1': changed }, { holders: new Map([['form.name:new', 1]]) }),
    },
  },
  'being-written': {
    facts: factsOf(added, { claims: [claimOn('form:1')] }),
    row: 'form:1',
    solutions: ['wait'],
    without: { facts: factsOf(added, { claims: [claimOn('form:2')] }) },
  },
  'image-missing': {
    facts: factsOf(
      { 'banner:1': { here: { image: 'abc.png' } } },
      { missingImages: new Set(['abc.png']) },
    ),
    row: 'banner:1',
    solutions: ['edit'],
    without: { facts: factsOf({ 'banner:1': { here: { image: 'abc.png' } } }) },
  },
  'host-name': {
    facts: factsOf(
      { 'form:1': { here: { description: 'See https://staging.example.com/help' } } },
      { hostHere: 'staging.example.com' },
    ),
    row: 'form:1',
    solutions: ['edit'],
    without: { facts: factsOf(added, { hostHere: 'staging.example.com' }) },
  },
};

test.each(reasons)(
  'the problem “%s” of a transfer plan names its row and its solutions',
  (reason) => {
    const { facts, choices, row: key, solutions } = examples[reason];
    const { problems } = planOf(facts, choices);
    expect(problems).toMatchObject([{ reason, row: key === null ? null : keyFrom(key) }]);
    expect(problems[0]?.solutions.map(({ kind }) => kind)).toEqual(solutions);
    expect(problems[0]?.message).not.toBe('');
  },
);

test('a sheet that writes here offers no edits of its rows, which come from another environment, but of the rows that use them (F13)', () => {
  const writesHere = { from: 'preprod', to: 'staging', isWrittenHere: true } as const;
  const problemsOf = (rows: Parameters<typeof factsOf>[0], facts: Parameters<typeof factsOf>[1]) =>
    planOf(factsOf(rows, { ...facts, ...writesHere })).problems;
  expect(
    problemsOf(
      { 'banner:1': { here: { image: 'abc.png' } } },
      { missingImages: new Set(['abc.png']) },
    ),
  ).toMatchObject([
    { message: expect.stringContaining('not in the storage of pre-production'), solutions: [] },
  ]);
  const columns = taskColumns({ title: { maxLength: 11 } });
  expect(problemsOf(task, { columns })).toMatchObject([
    { reason: 'value-too-long', solutions: [] },
  ]);
  const references = [referenceTo('form:1', 'task:7', 'form')];
  expect(problemsOf({ 'form:1': deleted }, { references })).toMatchObject([
    { reason: 'still-used', solutions: [{ kind: 'add' }, { kind: 'edit', key: { id: 7 } }] },
  ]);
  expect(problemsOf({ 'task:1': { here: { business: 1 } } }, {})).toMatchObject([
    { reason: 'parent-missing', solutions: [] },
  ]);
});

test.each(reasons)('the user can resolve the problem “%s” of a transfer plan', (reason) => {
  const { facts, without } = examples[reason];
  const plan =
    'facts' in without
      ? planOf(without.facts)
      : 'words' in without
        ? planWithWords(facts, without.words)
        : planOf(facts, without.choices);
  expect(plan.problems).toEqual([]);
});
