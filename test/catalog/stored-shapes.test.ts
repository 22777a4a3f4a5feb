// Tests that hashes, canonical texts and digests equal those that released versions stored, so that an unchanged row
// keeps its hash after an update of Oneway.
import { describe, expect, test } from 'vitest';
import { canonical, contentFrom, hashOf } from '../../src/catalog/content.ts';
import { initialContent, type Content, type Row } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { withMappedNames } from '../../src/state/name-mapping.ts';
import { hashesInChunks } from '../../src/rows/row-hashes.ts';
import { readOne } from '../../src/rows/store.ts';
import { useWorld } from '../support/world.ts';

const row = (entity: string, facts: Content): Row => ({
  ...initialContent(entityNamed(entity)),
  id: 7,
  modified_at: '2026-01-01T00:00:00.000Z',
  ...facts,
});

const cities = [
  { city: 'Pune City', partner: 'Café “Coral”' },
  { city: 'Pune', partner: null },
  { city: 'Zürich "Süd" 🪔', partner: 'TOI Offers' },
  { city: '東京', partner: null },
];

const rows: [string, Row, string][] = [
  [
    'business',
    row('business', { name: 'Sunrise', category: 'Health', cities }),
    'aea28689dde9b44939cfc974021f6a3de783f24a7cdde9ed669c91ee67c1f6b7',
  ],
  [
    'business',
    row('business', { name: 'Sunrise', category: 'Health', cities: [] }),
    '69813c57ad7c050cbca91092af3e0149959f8b4de2eafc4b114b52218831f632',
  ],
  [
    'task',
    row('task', { title: 'Book', business: 4, form: null, cities }),
    '7ef6e2a885e6be04e04c2f287fc92570c756f11dc8b48648a8fef0bcc909b0eb',
  ],
  [
    'banner',
    row('banner', { title: 'Week', cities: cities.slice(0, 1) }),
    'f52f8e8f2ca116af7d97e75a98375aeb54a5ec5307a79b8f4c17899534b5bb53',
  ],
  [
    'sts',
    row('sts', { text: 'Book me', business: 4, task: 9 }),
    'c5d6e0885ccdf7e4783f191b3a5df6a4fc59c12ad89edef2b8512af3505483fd',
  ],
  [
    'form_field',
    row('form_field', { form: 3, label: 'A', options: ['x', 'y'] }),
    '4a7a99adcad4b9d67e031b7a0c58357ca2c9e60617e673955999f6676c243fe4',
  ],
  [
    'city',
    row('city', { name: 'Pune', country: 'IN' }),
    'fa78c8bbb31a88cf1860d759dd5b09e89ed98de180752fde4a64f6dbdd7c2114',
  ],
];

describe('hashes and canonical texts of rows that earlier versions of Oneway stored', () => {
  test.each(rows)(
    'the hash of a %s with the content %j equals the hash that earlier versions of Oneway stored',
    (name, one, hash) => {
      expect(hashOf(entityNamed(name), one)).toBe(hash);
    },
  );

  test('the canonical text of a row lists its links sorted by name, and parsing the text gives the same row', () => {
    const business = entityNamed('business');
    const text = canonical(
      business,
      row('business', { name: 'Sunrise', category: 'Health', cities }),
    );
    expect(text).toContain(
      '"cities":[["Pune",null],["Pune City","Café “Coral”"],["Zürich \\"Süd\\" 🪔","TOI Offers"],["東京",null]],',
    );
    const sorted = [cities[1], cities[0], cities[2], cities[3]];
    expect(contentFrom(business, text)['cities']).toEqual(sorted);
    expect(JSON.stringify(contentFrom(business, text)['cities'])).toBe(JSON.stringify(sorted));
  });

  test('the hash of a row with mapped city and partner names equals the hash that earlier versions of Oneway stored', () => {
    const task = entityNamed('task');
    const mappings = new Map([
      ['city:Pune', 'Zzz'],
      ['partner:TOI Offers', 'Offers'],
    ]);
    const mapped = withMappedNames(
      task,
      row('task', { title: 'Book', business: 4, cities }),
      mappings,
    );
    expect(hashOf(task, mapped)).toBe(
      '298f7534312b40481ccde09cd1a7f4497c686532a72f681d937cbe4ca2d337c2',
    );
  });
});

describe('row hashes that MySQL computes', () => {
  const world = useWorld();

  test('the links of a row are read from the columns city_id and partner_id, and the hash that MySQL computes for the row includes them', async () => {
    const { staging } = world;
    for (const statement of [
      `insert into business (id, name, category, active, priority, modified_at)
         values (7, 'Sunrise', 'Health', 1, 0, '2026-01-01')`,
      "insert into city (id, name, modified_at) values (1, 'Pune City', '2026-01-01'), (2, 'Pune', '2026-01-01')",
      "insert into partner (id, name, modified_at) values (5, 'Café “Coral”', '2026-01-01')",
      'insert into business_city (business_id, city_id, partner_id) values (7, 1, 5), (7, 2, null)',
    ]) {
      await staging.sql.query(statement);
    }
    const business = entityNamed('business');
    const read = await readOne(staging, { entity: 'business', id: 7 });
    expect(JSON.stringify(read?.['cities'])).toBe(
      '[{"city":"Pune","partner":null},{"city":"Pune City","partner":"Café “Coral”"}]',
    );
    expect((await hashesInChunks(staging.sql, business, [0])).get(7)).toBe(
      read && hashOf(business, read),
    );
  });
});
