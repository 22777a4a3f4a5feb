// Problems of a transfer sheet with the destination’s columns and lengths, computed from rows that the test gives,
// without a database.
import { expect, test } from 'vitest';
import { factsOf, planOf } from '../../support/facts.ts';

const reasonsOf = ({ problems }: ReturnType<typeof planOf>) => problems.map(({ reason }) => reason);

test('the transfer sheet counts the length of a value in characters, not in UTF-16 code units', () => {
  const columns = new Map([
    ['banner', new Map([['title', { maxLength: 3, isRequired: false, charset: null }]])],
  ]);
  const banner = (title: string) =>
    planOf(factsOf({ 'banner:1': { here: { title } } }, { columns })).problems.filter(
      ({ reason }) => reason === 'value-too-long',
    );
  expect(banner('👍👍👍')).toHaveLength(0);
  expect(banner('👍👍👍👍')).toHaveLength(1);
});

test('the transfer sheet reports a column missing at the destination only once, not once for each row', () => {
  const columns = new Map([
    ['sts', new Map([['text', { maxLength: 200, isRequired: true, charset: null }]])],
  ]);
  const facts = factsOf(
    {
      'business:1': { here: {}, base: {}, there: {} },
      'sts:1': { here: { business: 1 } },
      'sts:2': { here: { business: 1 } },
    },
    { columns },
  );
  expect(reasonsOf(planOf(facts))).toEqual(['column-missing', 'column-missing', 'column-missing']);
});

test('a transfer is not refused when the destination lacks the column of an environment-specific field', () => {
  const names = ['business_id', 'name', 'active'];
  const columns = new Map([
    [
      'external_tool',
      new Map(names.map((name) => [name, { maxLength: null, isRequired: true, charset: null }])),
    ],
  ]);
  const facts = factsOf(
    {
      'business:1': { here: {}, base: {}, there: {} },
      'external_tool:1': { here: { business: 1 } },
    },
    { columns },
  );
  expect(reasonsOf(planOf(facts))).toEqual([]);
});

test('a transfer is not refused when an environment-specific field contains the host name of this environment', () => {
  const facts = factsOf(
    {
      'business:1': { here: {}, base: {}, there: {} },
      'external_tool:1': { here: { business: 1 } },
    },
    { hostHere: 'staging.example.com' },
  );
  const locals = { 'external_tool:1': { endpoint: 'https://staging.example.com/hook' } };
  expect(reasonsOf(planOf(facts, { locals }))).toEqual([]);
});
