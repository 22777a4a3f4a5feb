// Problems of a transfer sheet that a person must review, computed from rows that the test gives, without a database.
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../../src/catalog/content.ts';
import { keyFrom, type Content } from '../../../src/catalog/entity.ts';
import { entityNamed } from '../../../src/catalog/index.ts';
import type { Facts } from '../../../src/sheet/facts.ts';
import type { TestStatus } from '../../../src/state/test-results.ts';
import { factsOf, planOf, planWithWords, row, type GivenRow } from '../../support/facts.ts';

const reasonsOf = ({ problems }: ReturnType<typeof planOf>) => problems.map(({ reason }) => reason);
const changed: GivenRow = { here: { name: 'New' }, base: {}, there: {} };
const byEngineer = { engineering_by: 'ed@example.com' };

describe('transfer sheets of rows that engineers changed', () => {
  test('the transfer sheet reports one problem for a form when an engineer changed several fields of the form', () => {
    const field: GivenRow = {
      here: { form: 1, label: 'New' },
      base: { form: 1 },
      there: { form: 1 },
      state: byEngineer,
    };
    const { problems } = planOf(
      factsOf({ 'form:1': changed, 'form_field:1': field, 'form_field:2': field }),
    );
    expect(problems).toMatchObject([
      {
        reason: 'engineering',
        row: keyFrom('form:1'),
        concerns: [keyFrom('form_field:1'), keyFrom('form_field:2')],
      },
    ]);
  });

  test('a row that an engineer changed can be sent when the user excludes all fields that the engineer changed', () => {
    const facts = factsOf({
      'form:1': {
        here: { name: 'New', description: 'New' },
        base: {},
        there: {},
        state: { ...byEngineer, engineering_fields: '["Name"]' },
      },
    });
    expect(reasonsOf(planOf(facts))).toEqual(['engineering']);
    const without = (fields: string[]) => planOf(facts, { excludedFields: { 'form:1': fields } });
    expect(reasonsOf(without(['description']))).toEqual(['engineering']);
    expect(reasonsOf(without(['name']))).toEqual([]);
  });
});

test('a hold on a form (Not for production) also prevents the transfer of a changed field of that form', () => {
  const facts = factsOf(
    {
      'form:1': { here: {}, base: {}, there: {}, state: { held_at: '2026-01-01T00:00:00.000Z' } },
      'form_field:1': { here: { form: 1 } },
    },
    { chosen: [keyFrom('form_field:1')] },
  );
  expect(planOf(facts).problems).toMatchObject([
    { reason: 'on-hold', row: keyFrom('form:1'), solutions: [{ key: keyFrom('form:1') }] },
  ]);
});

test('when the destination may have an unrelated row with the same id, the sheet offers a new id as well as overwriting', () => {
  const facts = factsOf({ 'form:1': { here: { name: 'One' }, there: { name: 'Other' } } });
  expect(planOf(facts).problems).toMatchObject([
    {
      reason: 'changed-there',
      solutions: [{ kind: 'new-id' }, { kind: 'take-over' }, { kind: 'overwrite' }],
    },
  ]);
});

test('typing a word other than “overwrite” does not confirm that a change at the destination is overwritten', () => {
  const facts = factsOf({ 'form:1': { ...changed, there: { name: 'By hand' } } });
  expect(reasonsOf(planWithWords(facts, { overwrite: 'yes' }))).toEqual(['changed-there']);
});

describe('transfer sheets of rows whose former transfer was undone', () => {
  const undone = (key: string, content: Content): Partial<GivenRow> => ({
    destinationState: {
      undone_hash: hashOf(entityNamed(keyFrom(key).entity), row(key, content)),
      undone_by: 'pm@example.com',
    },
  });

  test('sending an undone form and its undone fields again requires only one confirmation', () => {
    const facts = factsOf({
      'form:1': { ...changed, ...undone('form:1', { name: 'New' }) },
      'form_field:1': { here: { form: 1 }, ...undone('form_field:1', { form: 1 }) },
    });
    const { problems } = planOf(facts);
    expect(problems).toMatchObject([
      {
        reason: 'undone',
        solutions: [{ kind: 'again', keys: [keyFrom('form:1'), keyFrom('form_field:1')] }],
      },
    ]);
    expect(reasonsOf(planOf(facts, { again: ['form:1'] }))).toEqual(['undone']);
    expect(reasonsOf(planOf(facts, { again: ['form:1', 'form_field:1'] }))).toEqual([]);
  });

  test('after an undo, a row whose content differs from the undone content can be sent without a confirmation', () => {
    const facts = factsOf({ 'form:1': { ...changed, ...undone('form:1', { name: 'Former' }) } });
    expect(reasonsOf(planOf(facts))).toEqual([]);
  });

  test('sending a deletion again after its undo requires a confirmation', () => {
    const facts = factsOf({
      'form:1': {
        isDeletedHere: true,
        base: {},
        there: {},
        destinationState: { undone_hash: 'deleted', undone_by: 'pm@example.com' },
      },
    });
    expect(reasonsOf(planOf(facts))).toEqual(['undone']);
    expect(reasonsOf(planOf(facts, { again: ['form:1'] }))).toEqual([]);
  });
});

describe('transfer sheets when the settings require that rows are tested', () => {
  const result = (person: string, works: number) => ({
    id: 1,
    entity: 'form',
    row_id: 1,
    hash: 'of the content',
    works,
    note: null,
    person: `${person}@example.com`,
    at: '2026-01-01T00:00:00.000Z',
  });
  const resulting = (...current: TestStatus['current']) =>
    new Map<string, TestStatus>([['form:1', { hash: 'of the content', current, former: null }]]);
  const rows: Record<string, GivenRow> = {
    'form:1': { here: { name: 'New', description: 'New' }, base: {}, there: {} },
    'form_field:1': { here: { form: 1 }, base: { form: 1 }, there: { form: 1 } },
  };
  const facts = (tested: Facts['tested'], more: Partial<Facts> = {}) =>
    factsOf(rows, {
      from: 'preprod',
      to: 'production',
      testedForSender: 'pm@example.com',
      tested,
      ...more,
    });

  test.each([
    ['no test result', ['not-tested'], resulting()],
    ['a test result of the sender alone', ['not-tested'], resulting(result('pm', 1))],
    ['a test result of another person', [], resulting(result('vic', 1))],
    [
      'contrary test results of two people',
      ['not-tested'],
      resulting(result('vic', 1), result('ed', 0)),
    ],
    ['a test result for other content', ['not-tested'], new Map()],
  ])(
    'when the settings require tests, a row with %s has the problems %j',
    (_who, expected, tested) => {
      expect(reasonsOf(planOf(facts(tested)))).toEqual(expected);
    },
  );

  test('a test result does not count when the user excludes a changed field of the tested row', () => {
    const works = facts(resulting(result('vic', 1)));
    expect(reasonsOf(planOf(works, { excludedFields: { 'form:1': ['name'] } }))).toEqual([
      'not-tested',
    ]);
  });

  test('the test result of a form does not count when a field of the form is sent without the changed form', () => {
    const works = facts(resulting(result('vic', 1)), { chosen: [keyFrom('form_field:1')] });
    const alone = planOf(works, { resend: true });
    expect(reasonsOf(alone)).toEqual(['not-tested']);
  });

  test('a deletion needs no test result', () => {
    const deleted = factsOf(
      { 'form:1': { isDeletedHere: true, base: {}, there: {} } },
      { from: 'preprod', to: 'production', testedForSender: 'pm@example.com' },
    );
    expect(reasonsOf(planWithWords(deleted, { remove: 'delete' }))).toEqual([]);
  });
});
