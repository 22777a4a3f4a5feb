import { describe, expect, test } from 'vitest';
import { hashOf, isSameRow } from '../../src/catalog/content.ts';
import { check } from '../../src/catalog/checks.ts';
import { entity, initialContent, parseContent, type Row } from '../../src/catalog/entity.ts';
import { reference, text, textOf } from '../../src/catalog/fields.ts';
import { catalog, entityNamed, travelling } from '../../src/catalog/index.ts';
import { maskOf } from '../../src/catalog/secret.ts';
import { Invalid, type FieldErrors } from '../../src/problems.ts';

const tool = entityNamed('external_tool');
const business = entityNamed('business');
const row = (facts: object): Row => ({
  ...initialContent(business),
  id: 1,
  modified_at: '',
  ...facts,
});

describe('the hash of a row’s content', () => {
  test('the hash of a row does not depend on its environment-specific fields and its modified_at', () => {
    const one = { ...initialContent(tool), id: 1, modified_at: '', name: 'Calendar' };
    const other = { ...one, modified_at: '2026-01-01T00:00:00.000Z', key: maskOf('theirs') };
    expect(hashOf(tool, other)).toBe(hashOf(tool, one));
    expect(isSameRow(tool, one, other)).toBe(false);
  });

  test('the order of the linked cities does not change the hash of a row', () => {
    const links = [
      { city: 'Pune', partner: null },
      { city: 'Delhi', partner: 'Café Coral' },
    ];
    expect(hashOf(business, row({ cities: links }))).toBe(
      hashOf(business, row({ cities: links.toReversed() })),
    );
  });

  test('a row in which a field is missing and a row in which the field is null have different hashes', () => {
    const { description: _description, ...missing } = row({});
    expect(hashOf(business, missing)).not.toBe(hashOf(business, row({ description: null })));
  });
});

const errorsOf = (name: string, posted: object): FieldErrors => {
  try {
    parseContent(entityNamed(name), posted);
    return {};
  } catch (error) {
    if (error instanceof Invalid) return error.fields;
    throw error;
  }
};

describe('parsing the posted form of a row', () => {
  test.each([
    [{ name: '' }, 'name', 'Enter a name'],
    [{ name: '🪔'.repeat(81) }, 'name', 'Name must be 80 characters or fewer. It has 81.'],
    [{ category: 'Hacking' }, 'category', 'Choose a category from the list'],
    [{ priority: '12.5' }, 'priority', 'Priority must be a whole number from 0 to 1000'],
    [{ priority: '' }, 'priority', 'Priority must be a whole number from 0 to 1000'],
    [{ icon: '../../etc/passwd' }, 'icon', 'Icon must be a PNG, JPEG, GIF or WebP image'],
    [
      { cities: [{ city: 'Pune' }, { city: 'Pune ', partner: 'x' }] },
      'cities',
      'Pune is listed twice. Keep one line for it.',
    ],
  ])(
    'a posted catalogue form with the invalid value %j is refused with a message at that field',
    (facts, field, words) => {
      const good = { name: 'A', category: 'Food', priority: '1' };
      expect(errorsOf('business', { ...good, ...facts })[field]).toBe(words);
    },
  );

  test('the field “link” of a banner refuses a javascript: address and asks for an https:// address', () => {
    expect(errorsOf('banner', { title: 'A', link: 'javascript:alert(1)' })['link']).toContain(
      'https://',
    );
  });

  test('a reference can be posted as a name with an ID or as an ID alone, but not as a name alone', () => {
    const parsed = (business: string) =>
      parseContent(entityNamed('sts'), { text: 'A', business })['business'];
    expect(parsed('Sunrise “Clinic” #412')).toBe(412);
    expect(parsed('412')).toBe(412);
    expect(errorsOf('sts', { text: 'A', business: 'Sunrise' })['business']).toContain('as #412');
  });

  test('the length limit of a name counts an emoji with a skin tone as two characters, as MySQL does', () => {
    expect(errorsOf('form', { name: '👍🏽'.repeat(40) })).toEqual({});
  });
});

test('a wrong entity definition is refused with an error that names the entity and the field', () => {
  const broken = entity({
    name: 'broken',
    label: { one: 'Broken', many: 'Broken' },
    icon: 'x',
    store: 'mysql',
    table: 'broken',
    title: 'name',
    purpose: '',
    fields: { name: text({ max: 5 }), id: text({ max: 5 }), to: reference('nothing') },
  });
  expect(() => check([...catalog, broken])).toThrow('broken: "to" points to "nothing"');
  expect(() => check([...catalog, broken])).toThrow('"id" is kept for the program');
});

test('S0-01 S0-94 the catalogue contains all entities (types of rows), including the dependent entities', () => {
  expect(catalog.map(({ name }) => name)).toEqual([
    'business',
    'task',
    'sts',
    'form',
    'form_field',
    'banner',
    'external_tool',
    'order_receipt',
    'city',
    'partner',
  ]);
  expect(textOf(business.dependents[0])).toBe('external_tool');
});

test('S0-98 forms and form fields are stored in MongoDB, and all other entities in MySQL', () => {
  const inMongo = catalog.filter(({ store }) => store === 'mongo').map(({ name }) => name);
  expect(inMongo).toEqual(['form', 'form_field']);
});

test('S0-97 STS is an entity like task, and its label is always the abbreviation STS', () => {
  const { label, fields, store } = entityNamed('sts');
  const task = entityNamed('task');
  expect(label).toEqual({ one: 'STS', many: 'STS' });
  expect(store).toBe(task.store);
  expect([fields['business']?.to, fields['business']?.under]).toEqual(['business', true]);
  expect(travelling.map(({ name }) => name)).toEqual(expect.arrayContaining(['task', 'sts']));
});
