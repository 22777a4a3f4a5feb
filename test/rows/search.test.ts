// Searching and sorting give the same results in MySQL and MongoDB, whatever the spelling and the character set.
import { expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { textOf } from '../../src/catalog/fields.ts';
import { find } from '../../src/rows/store.ts';
import { namesByEntity } from '../../src/rows/names.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const stored = [
  'zz apple',
  'Zz banana',
  'Éclair one',
  'Eclair two',
  'apple',
  'E\u0301clair three',
  'Fórm\u00A0X',
  'Form\u200B x again',
  'Straße',
  '100% [a.b*] \\d _',
  'Ｗｉｄｅ',
  '京都市',
];

/**
 * Returns the names that a search finds, in the order of the list. An empty search finds all rows.
 */
async function names(entity: 'business' | 'form', search: string) {
  const { rows, total } = await find(world.staging, entityNamed(entity), {
    search,
    filters: {},
    sort: { field: 'name', descending: false },
    limit: 100,
    offset: 0,
  });
  expect(total).toBe(rows.length);
  return rows.map((row) => textOf(row['name']));
}

async function fill() {
  for (const [index, name] of stored.entries()) {
    const one = { _id: index + 1, name, description: null, modified_at: new Date() };
    await world.staging.documents.collection<typeof one>('form').insertOne(one);
    await world.staging.sql.query(
      `insert into business values (?, ?, 'Food', null, null, 1, 1, now(3))`,
      [index + 1, name],
    );
  }
}

test.each([
  ['eclair', 3],
  ['E\u0301CLAIR', 3],
  ['form x', 2],
  ['STRASSE', 1],
  ['strasse', 1],
  ['%', 1],
  ['_', 1],
  ['[a.b*]', 1],
  ['\\d', 1],
  ['a.b', 1],
  ['.', 1],
  ['wide', 1],
  ['京都', 1],
  ['', stored.length],
  ['\u200B', stored.length],
  ['nowhere', 0],
])(
  'the search for %j finds the same names among businesses in MySQL and among forms in MongoDB (F20)',
  async (search, number) => {
    await fill();
    const found = await names('business', search);
    expect(found).toHaveLength(number);
    expect(await names('form', search)).toEqual(found);
  },
);

test('a search for a long text finds only rows that contain the whole text, in MySQL and in MongoDB (F20)', async () => {
  const long = 'The Quick Brown Fox Jumps Over The Lazy Dog Near The Éclair Shop In Köln';
  for (const entity of ['business', 'form']) {
    await add(world.staging, entity, { name: long });
    await add(world.staging, entity, { name: long.replace('Lazy', 'Tired') });
  }
  for (const search of [long.toUpperCase(), 'brown fox jumps over the lazy dog', 'a'.repeat(64)]) {
    const found = search.startsWith('aaa') ? [] : [long];
    expect(await names('business', search)).toEqual(found);
    expect(await names('form', search)).toEqual(found);
  }
}, 30_000);

test('businesses in MySQL and forms in MongoDB are sorted alike, ignoring case and accents (F20)', async () => {
  await fill();
  const order = await names('business', '');
  const latin = order.filter((name) => /clair|apple|banana/.test(name));
  expect(latin).toEqual([
    'apple',
    'Éclair one',
    'E\u0301clair three',
    'Eclair two',
    'zz apple',
    'Zz banana',
  ]);
  expect(await names('form', '')).toEqual(order);
});

test.each(['utf8mb3', 'latin1'])(
  'search, sorting, filters and pickers (inputs with suggestions) work if MySQL text columns have the character set %s (F10)',
  async (charset) => {
    const { staging } = world;
    await add(staging, 'city', { name: 'Zürich' });
    await add(staging, 'business', { name: 'Éclair' });
    try {
      await staging.sql.query(
        `alter table city modify name varchar(100) character set ${charset} not null`,
      );
      await staging.sql.query(
        `alter table business modify name varchar(80) character set ${charset} not null, modify category varchar(40) character set ${charset} not null`,
      );
      expect(await names('business', 'eclair 🙂')).toEqual([]);
      expect(await names('business', 'eclair')).toEqual(['Éclair']);
      expect(await namesByEntity(staging.sql, ['city'])).toEqual({ city: ['Zürich'] });
      const business = await add(staging, 'business', {
        name: 'Other',
        cities: [{ city: 'Zürich', partner: null }],
      });
      expect(business).toBeGreaterThan(0);
      const { total } = await find(staging, entityNamed('business'), {
        search: '',
        filters: { category: '京都 🙂' },
        sort: { field: 'category', descending: true },
        limit: 10,
        offset: 0,
      });
      expect(total).toBe(0);
    } finally {
      await staging.sql.query(
        'alter table city modify name varchar(100) character set utf8mb4 collate utf8mb4_bin not null',
      );
      await staging.sql.query(
        'alter table business modify name varchar(80) character set utf8mb4 collate utf8mb4_bin not null, modify category varchar(40) character set utf8mb4 collate utf8mb4_bin not null',
      );
    }
  },
);
