import { expect, test } from 'vitest';
import { Form } from '../../src/web/form/form.ts';

test('a text in a posted form is trimmed, and counts as empty when it is missing or was posted twice', () => {
  const form = new Form([
    ['name', ' Pune\0 '],
    ['twice', 'a'],
    ['twice', 'b'],
  ]);
  expect(
    ['name', 'twice', 'missing', 'toString', '__proto__'].map((one) => form.text(one)),
  ).toEqual(['Pune', '', '', '', '']);
});

test('a posted text that is too long for its database column is refused, never truncated (B7)', () => {
  const form = new Form([['note', 'e\u0301'.repeat(300)]]);
  expect(form.textUpTo(300, 'note', 'Note')).toBe('é'.repeat(300));
  expect(() => form.textUpTo(299, 'note', 'Note')).toThrow('Note must be 299 characters or fewer');
});

test('a posted list may repeat the field name (rows=a&rows=b) or have indexes (rows[0]=a), as client programs send it', () => {
  const form = new Form([
    ['rows', 'a'],
    ['rows[1]', 'c'],
    ['rows[0]', 'b'],
    ['rows[x]', 'no'],
    ['rows[0][x]', 'no'],
  ]);
  expect(form.texts('rows')).toEqual(['a', 'c', 'b']);
});

test.each(['49999999', '4294967294', '99999999999999999999'])(
  'the huge list index %s in a posted form is refused, and no array of that size is created (A1)',
  (index) => {
    const form = new Form([
      [`rows[${index}]`, 'x'],
      [`cities[${index}][city]`, 'x'],
    ]);
    expect(() => form.texts('rows')).toThrow('20,000 entries at most');
    expect(() => form.lines('cities', ['city'], 5000)).toThrow('5,000 lines at most');
  },
);

test('the entries of a posted list are returned in the order of their indexes, each with all its values', () => {
  const form = new Form([
    ['cities[7][city]', 'Goa'],
    ['cities[2][partner]', 'Kesar'],
    ['cities[2][city]', 'Pune'],
  ]);
  expect(form.lines('cities', ['city', 'partner'], 10)).toEqual([
    { city: 'Pune', partner: 'Kesar' },
    { city: 'Goa', partner: '' },
  ]);
});

test('only the filled entries of a posted list count against its limit, whatever their indexes are (F17)', () => {
  const full = ['Goa', 'Pune'].map((city, n): [string, string] => [`cities[${n}][city]`, city]);
  const read = (...more: [string, string][]) =>
    new Form([...full, ...more]).lines('cities', ['city'], 2).map(({ city }) => city);
  expect(read(['cities[2][city]', ''], ['cities[3][city]', ' '])).toEqual(['Goa', 'Pune']);
  expect(() => read(['cities[2][city]', 'Agra'])).toThrow('2 lines at most');
  const moved = new Form([full[1]!, ['cities[2][city]', 'Agra']]);
  expect(moved.lines('cities', ['city'], 2)).toHaveLength(2);
});

test.each([
  'cities[0][x]',
  'cities[0]',
  'cities[0][city][x]',
  'cities[-1][city]',
  'cities[__proto__][city]',
])('a posted form with the malformed field name %s for an entry of a list is refused', (name) => {
  expect(() => new Form([[name, 'x']]).lines('cities', ['city'], 10)).toThrow('does not show');
});
