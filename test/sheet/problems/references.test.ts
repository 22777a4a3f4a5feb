// Problems of a transfer sheet with references between rows, computed from rows that the test gives, without a
// database.
import { expect, test } from 'vitest';
import { keyFrom } from '../../../src/catalog/entity.ts';
import {
  factsOf,
  namesOf,
  planOf,
  planWithWords,
  referenceTo,
  type GivenRow,
} from '../../support/facts.ts';

const reasonsOf = ({ problems }: ReturnType<typeof planOf>) => problems.map(({ reason }) => reason);
const deleted: GivenRow = { isDeletedHere: true, base: {}, there: {} };

test('a transfer can delete a form that a task uses at the destination if the same transfer removes the task’s reference', () => {
  const moved = { here: { business: 1 }, base: {}, there: { business: 1, form: 1 } };
  const facts = (task: GivenRow) =>
    factsOf(
      { 'form:1': deleted, 'business:1': { here: {}, base: {}, there: {} }, 'task:1': task },
      { references: [referenceTo('form:1', 'task:1', 'form')] },
    );
  expect(reasonsOf(planWithWords(facts(moved), { overwrite: 'overwrite' }))).toEqual([]);
  const kept = { here: { business: 1, form: 1 }, base: {}, there: { business: 1, form: 1 } };
  expect(reasonsOf(planOf(facts(kept)))).toContain('still-used');
});

test('when two tasks at the destination still use a deleted form, each task is one problem, which offers to add the task to the transfer', () => {
  const facts = factsOf(
    { 'form:1': deleted },
    {
      references: [
        referenceTo('form:1', 'task:1', 'form'),
        referenceTo('form:1', 'task:2', 'form'),
      ],
    },
  );
  const { problems } = planOf(facts);
  expect(problems.map(({ solutions }) => solutions[0])).toMatchObject([
    { kind: 'add', keys: [keyFrom('task:1')] },
    { kind: 'add', keys: [keyFrom('task:2')] },
  ]);
});

test('a deletion requires a typed confirmation in production but not in pre-production', () => {
  const facts = (to: 'preprod' | 'production') =>
    factsOf({ 'form:1': deleted, 'form:2': deleted }, { to });
  expect(reasonsOf(planOf(facts('preprod')))).toEqual([]);
  expect(reasonsOf(planOf(facts('production')))).toEqual(['deletion']);
});

test('a transfer is refused when a row is linked with two cities that are mapped to the same city at the destination', () => {
  const cities = [
    { city: 'Pune', partner: null },
    { city: 'Pune', partner: 'Café Coral' },
  ];
  const names = namesOf({ city: { Pune: [1] }, partner: { 'Café Coral': [1] } });
  const { problems } = planOf(factsOf({ 'business:1': { here: { cities } } }, { names }));
  expect(problems).toMatchObject([
    { reason: 'name-ambiguous', row: keyFrom('business:1'), solutions: [{ kind: 'edit' }] },
  ]);
});

test('a city that the destination lacks is one problem, even when several rows of the transfer are linked with it', () => {
  const cities = [{ city: 'Pune', partner: null }];
  const facts = factsOf({ 'business:1': { here: { cities } }, 'business:2': { here: { cities } } });
  expect(reasonsOf(planOf(facts))).toEqual(['name-missing']);
});

test('a transfer is not refused for a missing city when the row that is linked with the city stays unchanged', () => {
  const same = { cities: [{ city: 'Pune', partner: null }] };
  const facts = factsOf({ 'business:1': { here: same, base: same, there: same } });
  expect(reasonsOf(planOf(facts))).toEqual([]);
});
