// One rule decides whether two names count as equal: for unique values and linked names, in saves and transfers, in
// MySQL and MongoDB.
import { expect, test } from 'vitest';
import { entityNamed } from '../../src/catalog/index.ts';
import { isSameName } from '../../src/catalog/name-key.ts';
import type { Problem } from '../../src/problems.ts';
import { rowsNamed, storedSpellings } from '../../src/rows/names.ts';
import { rowsWithUniqueValue } from '../../src/rows/store.ts';
import { add, change, get, refusalOf, sheet, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const NAME = 'Café Blü 1';

const same: [string, string][] = [
  ['decomposed', 'Cafe\u0301 Blu\u0308 1'],
  ['in upper case', 'CAFÉ BLÜ 1'],
  ['with a zero-width space', 'Café\u200B Blü 1'],
  ['with a word joiner and a soft hyphen', 'Ca\u2060fé Bl\u00ADü 1'],
  ['with a direction mark', '\u200FCafé Blü 1\u202E'],
  ['with a no-break space', 'Café\u00A0Blü 1'],
  ['with two spaces', 'Café  Blü 1'],
  ['with an ideographic space', 'Café\u3000Blü 1'],
  ['with a tab', 'Café\tBlü 1'],
  ['with a space at the end', 'Café Blü 1 '],
  ['in full width', 'Ｃａｆé Ｂｌü １'],
  ['with an invisible filler character', 'Café\u3164 Blü 1'],
  ['with a variation selector', 'Café\uFE0F Blü 1'],
];
const other: [string, string][] = [
  ['without accents', 'Cafe Blu 1'],
  ['with another accent', 'Cafè Blü 1'],
  ['without the space', 'CaféBlü 1'],
  ['with a hyphen', 'Café-Blü 1'],
  ['with another digit', 'Café Blü 2'],
];

/** Stores a name directly, as another program would. */
async function store(entity: string, id: number, name: string) {
  const { staging } = world;
  if (entity === 'form') {
    const one = { _id: id, name, description: null, modified_at: new Date() };
    await staging.documents.collection<typeof one>('form').insertOne(one);
  } else {
    const values = {
      business: `(id, name, category, active, priority, modified_at) values (?, ?, 'Food', 1, 1, now(3))`,
      city: '(id, name, modified_at) values (?, ?, now(3))',
    }[entity];
    await staging.sql.query(`insert into ${entity} ${values}`, [id, name]);
  }
}

const kinds = ['business', 'form', 'city'] as const;

test.each(same)(
  'a new row cannot get the name “Café Blü 1” if another row has this name %s (F3)',
  async (_how, spelled) => {
    expect(isSameName(NAME, spelled)).toBe(true);
    for (const kind of kinds) {
      await store(kind, 9001, spelled);
      const found = await rowsWithUniqueValue(world.staging, entityNamed(kind), 'name', [NAME]);
      expect(found).toEqual([{ id: 9001, value: NAME, isExact: false }]);
      await expect(add(world.staging, kind, { name: NAME })).rejects.toMatchObject({
        fields: { name: expect.stringContaining(' 9001') },
      });
    }
    expect((await rowsNamed(world.staging.sql, 'city', [NAME])).get(NAME)).toHaveLength(1);
  },
);

test.each(other)(
  'a new row can get the name “Café Blü 1” although another row has this name %s (F3)',
  async (_how, spelled) => {
    expect(isSameName(NAME, spelled)).toBe(false);
    for (const kind of kinds) {
      await store(kind, 9001, spelled);
      expect(await add(world.staging, kind, { name: NAME })).toBeGreaterThan(0);
    }
  },
);

test('names are compared by Unicode case folding: ß equals ss, ſ equals s, ς equals σ, and the ligature ﬁ equals fi (F3)', () => {
  expect(isSameName('Straße', 'STRASSE')).toBe(true);
  expect(isSameName('Ὀδυσσεύς', 'ὈΔΥΣΣΕΎΣ')).toBe(true);
  expect(isSameName('ﬁne', 'FINE')).toBe(true);
  expect(isSameName('ſun', 'SUN')).toBe(true);
});

test.each(kinds)(
  'of three %s rows that are added simultaneously with equal names, only one is saved (F3)',
  async (kind) => {
    const names = [NAME, 'CAFÉ BLÜ 1', 'Cafe\u0301 Blu\u0308 1'];
    const ended = await Promise.allSettled(names.map((name) => add(world.staging, kind, { name })));
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = ended.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as Problem] : [],
    );
    for (const { status } of refused) expect([409, 422]).toContain(status);
  },
);

test.each(kinds)(
  'a %s can be edited although another row has the same name, which earlier versions of Oneway allowed (F3)',
  async (kind) => {
    await store(kind, 1, NAME);
    await store(kind, 2, 'CAFÉ BLÜ 1');
    const [field, value] = {
      business: ['priority', 7],
      form: ['description', 'x'],
      city: ['country', 'IN'],
    }[kind] as [string, string | number];
    await change(world.staging, { entity: kind, id: 2 }, { [field]: value });
    expect(await get(world.staging, { entity: kind, id: 2 })).toMatchObject({ [field]: value });
  },
);

test('a save stores a link to a city in the spelling of the city’s own row, however the person typed it (F3)', async () => {
  await store('city', 9001, 'Zürich');
  const cities = [{ city: 'ZU\u0308RICH ', partner: null }];
  const business = { entity: 'business', id: await add(world.staging, 'business', { cities }) };
  expect((await get(world.staging, business))['cities']).toEqual([
    { city: 'Zürich', partner: null },
  ]);
  await store('city', 9002, 'zürich');
  expect(await storedSpellings(world.staging.sql, 'city', ['Zürich', 'ZÜRICH'])).toEqual(
    new Map([['Zürich', 'Zürich']]),
  );
  await change(world.staging, business, { priority: 3 });
});

test('a city that pre-production spells differently is reported as a problem of the transfer, and is not created there again (F3)', async () => {
  await store('city', 9001, 'Zürich');
  await world.preprod.sql.query(
    "insert into city (id, name, modified_at) values (9, 'ZÜRICH', now(3))",
  );
  const cities = [{ city: 'Zürich', partner: null }];
  const key = { entity: 'business', id: await add(world.staging, 'business', { cities }) };
  const { plan } = await sheet(world.staging, [key]);
  expect(plan.problems.map(({ reason }) => reason)).toEqual(['name-spelled-otherwise']);
  expect(plan.problems[0]?.message).toContain('ZÜRICH');
});

test.each(['business', 'form'])(
  'a transfer of a %s is refused if another row in pre-production has the same name in another spelling (F3)',
  async (kind) => {
    await add(world.preprod, kind, { name: NAME });
    const key = { entity: kind, id: await add(world.staging, kind, { name: 'CAFÉ  BLÜ 1' }) };
    expect(await refusalOf(transfer(world.staging, [key]))).toEqual(['unique-taken']);
  },
);
