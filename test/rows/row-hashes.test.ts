// Tests that MySQL and the program compute the same hash of a row, for every kind of field and for difficult values
// such as control characters, or that MySQL names the row as one that the program must read.
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { hashOf } from '../../src/catalog/content.ts';
import {
  entity,
  fieldEntries,
  linkedNamesOf,
  type Content,
  type Entity,
  type Row,
} from '../../src/catalog/entity.ts';
import {
  choice,
  flag,
  image,
  instant,
  integer,
  link,
  longText,
  optionalReference,
  reference,
  text,
  textOf,
} from '../../src/catalog/fields.ts';
import { catalog } from '../../src/catalog/index.ts';
import { byName, links, sortLinks } from '../../src/catalog/links.ts';
import { forgetCached } from '../../src/database/cached-for.ts';
import { name, run, sql } from '../../src/database/sql.ts';
import type { Environment } from '../../src/environments/environment.ts';
import { insert } from '../../src/rows/mysql-writes.ts';
import { mysqlStore } from '../../src/rows/mysql.ts';
import { idsOfLinked } from '../../src/rows/names.ts';
import { uncertainRows } from '../../src/rows/exact-hashes.ts';
import {
  certainHashesInChunks,
  chunkDigests,
  digestsOf,
  hashesInChunks,
} from '../../src/rows/row-hashes.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const hostile = [
  '',
  ' leading and trailing  ',
  'a family 👩‍👩‍👧‍👦, a flag 🏴󠁧󠁢󠁳󠁣󠁴󠁿, \u{10FFFD} and \uE000\uFFFD',
  'composed \u00E9, decomposed e\u0301, Å and Å',
  `quotes ' " \` and back\\slash \\0 \\u000b \\' ; drop table task; --`,
  'tab\t newline\n return\r backspace\b form feed\f null\0 bell\u0007 delete\u007F next line\u0085',
  'no-break\u00A0 zero width\u200B byte order\uFEFF line\u2028 paragraph\u2029',
  '{"a":1}',
  'null',
  'true',
  '0',
  '[["x",null]]',
];

/**
 * The texts of rows that the program must read: MariaDB escapes some control characters with capital hex digits
 * (`\u000B`), so that its hash differs from the program’s (`\u000b`), and linked names may not be in Unicode NFC.
 */
const mustBeRead = (of: Entity, row: Row) =>
  // oxlint-disable-next-line no-control-regex -- these are the characters that are escaped
  Object.values(row).some((value) => /[\u000B\u000E\u000F\u001A-\u001F]/.test(textOf(value))) ||
  // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
  linkedNamesOf(of, row).some(({ name: one }) => !/^[\u0000-\u007F]*$/.test(one));

const texts = (max: number) =>
  fc
    .oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', maxLength: 60 }), fc.string())
    .map((one) => [...one].slice(0, max).join(''));

const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 3 });

/** Generates row contents that the tables of the entity can store. */
function contents(of: Entity): fc.Arbitrary<Content> {
  const byKind: Record<string, (max: number) => fc.Arbitrary<unknown>> = {
    text: texts,
    'long-text': texts,
    link: texts,
    image: () => fc.constantFrom(`${'a'.repeat(64)}.png`, 'x.gif'),
    choice: () => fc.constantFrom('Health', 'null', 'a "b"'),
    integer: () => fc.constantFrom(-1, 0, 1, 7, 1000),
    reference: () => fc.constantFrom(1, 2, 2_000_000_001),
    secret: () => fc.constant(null),
    flag: () => fc.boolean(),
    instant: () =>
      fc.constantFrom(
        '1000-01-01T00:00:00.000Z',
        '2026-11-27T01:02:03.004Z',
        '9999-12-31T23:59:59.999Z',
      ),
  };
  return fc.record(
    Object.fromEntries(
      fieldEntries(of).map(([name, field]) => {
        if (field.links) return [name, linked(field.links)];
        const values = (byKind[field.kind] ?? texts)(Math.min(field.max ?? 60, 60));
        return [name, field.optional ? orNull(values) : values];
      }),
    ),
  ) as fc.Arbitrary<Content>;
}

const cityNames = ['Pune', 'Pune City', 'Zürich “Süd” \\ 🪔', '東京', 'ab', 'AB'];
const partnerNames = ['Café "Coral"', 'null'];
const linked = (through: Parameters<typeof sortLinks>[0]) =>
  fc
    .uniqueArray(
      fc.record({
        city: fc.constantFrom(...cityNames),
        partner: orNull(fc.constantFrom(...partnerNames)),
      }),
      { selector: ({ city }) => city },
    )
    .map((set) => sortLinks(through, set));

async function addNames({ sql: on }: Environment, table: string, names: string[]) {
  for (const [index, one] of names.entries()) {
    await run(on, sql`insert ignore into ${name(table)} (id, name) values (${index + 1}, ${one})`);
  }
}

/** Inserts rows; returns their hashes as the program and as MySQL compute them. */
async function bothHashes(here: Environment, of: Entity, some: Content[]) {
  const rows = some.map((content, index): Row => ({ ...content, id: index + 1, modified_at: '' }));
  await run(here.sql, sql`delete from ${name(of.table)}`);
  for (const { links: own } of Object.values(of.fields)) {
    if (own) await run(here.sql, sql`delete from ${name(own.through)}`);
  }
  const ids = await idsOfLinked(
    here.sql,
    rows.flatMap((row) => linkedNamesOf(of, row)),
  );
  await insert(here.sql, of, rows, '2026-01-01T00:00:00.000Z', ids);
  return hashesNow(
    here,
    of,
    rows.map(({ id }) => id),
  );
}

async function hashesNow(here: Environment, of: Entity, ids: number[]) {
  const rows = await mysqlStore.read(here, of, ids);
  const mayDiffer = (await uncertainRows(here.sql, of)) ?? sql`true`;
  const { hashes, uncertain } = await certainHashesInChunks(here.sql, of, [0], mayDiffer);
  const certain = (row: Row) => !uncertain.has(row.id);
  return {
    rows,
    uncertain,
    hashes: [...hashes],
    program: rows.filter(certain).map((row) => [row.id, hashOf(of, row)]),
    mysql: [...hashes].filter(([id]) => !uncertain.has(id)),
  };
}

/** Expects that the certain hashes are right, and that only unusual rows must be read. */
function expectHashes(of: Entity, { rows, uncertain, program, mysql }: Hashes) {
  expect(mysql).toEqual(program);
  const unusual = rows.filter((row) => mustBeRead(of, row)).map(({ id }) => id);
  expect([...uncertain].toSorted((one, other) => one - other)).toEqual(unusual);
}
type Hashes = Awaited<ReturnType<typeof hashesNow>>;

test.each(catalog.filter(({ store }) => store === 'mysql').map((one) => [one.name, one] as const))(
  'MySQL and the program compute the same hash of any %s',
  async (_name, of) => {
    const { staging } = world;
    await addNames(staging, 'city', cityNames);
    await addNames(staging, 'partner', partnerNames);
    const generated = fc.sample(contents(of), { numRuns: 60, seed: 19 });
    // A unique column takes each name only once, so the names are numbered.
    const some = of.fields['name']?.unique
      ? generated.map((one, index) => ({ ...one, name: `${index}` }))
      : generated;
    if (of.isMatchedByName) return expectNames(staging, of);
    const found = await bothHashes(staging, of, some);
    expect(found.rows.length).toBe(some.length);
    expectHashes(of, found);
  },
);

async function expectNames(here: Environment, of: Entity) {
  expectHashes(of, await hashesNow(here, of, [1, 2, 3, 4, 5, 6]));
}

const trial = entity({
  name: 'trial',
  label: { one: 'Trial', many: 'Trials' },
  icon: 'circle',
  table: 'hash_trial',
  store: 'mysql',
  title: 'title',
  purpose: 'Every kind of field.',
  fields: {
    title: text({ max: 60 }),
    body: longText({ max: 60 }),
    old: text({ max: 60 }),
    address: link({ max: 60 }),
    kind: choice(['a']),
    number: integer({ min: -1, max: 1000 }),
    on: flag(),
    business: reference('business'),
    task: optionalReference('task'),
    picture: image(),
    begins: instant(),
    exact: instant(),
    absent: text({ max: 9 }),
    cities: links('city', {
      by: 'name',
      through: 'hash_trial_city',
      with: { partner: byName('partner') },
    }),
  },
});
// The table lacks the column `absent`, as the table of another version of the database may. A row without a value must
// not get the same hash as a row with null.
const { absent: _absent, ...stored } = trial.fields;
const present: Entity = { ...trial, fields: stored };

/**
 * Generates row contents that the table `hash_trial` can store: its column `exact` keeps no fractions of a second, and
 * the character set of its column `old` (utf8mb3) has no characters of four bytes.
 */
const samples = (number: number): Content[] =>
  fc.sample(contents(present), { numRuns: number, seed: 19 }).map((one) => ({
    ...one,
    old: (one['old'] as string).replaceAll(/[\u{10000}-\u{10FFFF}]/gu, ''),
    exact: (one['exact'] as string | null)?.replace(/\.\d+Z/, '.000Z') ?? null,
  }));

async function makeTrial({ sql: on }: Environment) {
  await on.query('drop table if exists hash_trial, hash_trial_city');
  await on.query(`create table hash_trial (
    id bigint unsigned primary key, title varchar(60), body text, old varchar(60) character set utf8mb3,
    address varchar(60), kind varchar(60), number bigint, \`on\` tinyint, business_id bigint, task_id bigint,
    picture varchar(90), begins datetime(3) null, exact datetime null, modified_at datetime(3)) character set utf8mb4`);
  await on.query(
    'create table hash_trial_city (hash_trial_id bigint, city_id bigint, partner_id bigint null)',
  );
  world.onClose(() => on.query('drop table if exists hash_trial, hash_trial_city'));
  await addNames({ sql: on } as Environment, 'city', cityNames);
  await addNames({ sql: on } as Environment, 'partner', partnerNames);
}

test('MySQL and the program compute the same hash of a row for every kind of field, even if the table lacks a column', async () => {
  const { staging } = world;
  await makeTrial(staging);
  const some = samples(300);
  const whole = await bothHashes(staging, present, some);
  expectHashes(present, whole);
  const without = await hashesNow(
    staging,
    trial,
    some.map((_one, index) => index + 1),
  );
  expectHashes(trial, without);
  expect(without.mysql).toEqual(whole.mysql);
});

test('a row whose field is missing in the table, empty, null or the text “null” has a different hash in each case', async () => {
  const { staging } = world;
  await makeTrial(staging);
  const [one] = samples(1);
  const some = ['', null, 'null'].map((body) => ({ ...one, body }));
  const { hashes: whole } = await bothHashes(staging, present, some);
  const { body: _body, ...bodiless } = stored;
  const lacking = await hashesInChunks(staging.sql, { ...trial, fields: bodiless }, [0]);
  const hashes = new Set([...whole.map(([, hash]) => hash), lacking.get(1)]);
  expect(hashes.size).toBe(4);
});

test('different stored values of a row give different hashes, even values that the program reads as empty, such as the date 0000-00-00', async () => {
  const { staging } = world;
  await makeTrial(staging);
  const [one] = samples(1);
  await bothHashes(staging, present, [one as Content]);
  const values = {
    title: [
      '',
      'x',
      'X',
      'x ',
      'e\u0301',
      '\u00E9',
      '\u000B',
      '\\u000b',
      '\\u000B',
      '\\',
      '\\\\',
      '"',
    ],
    number: [0, 1, -1, '18446744073709551615', '9007199254740993', '9007199254740992', null],
    begins: ['0000-00-00 00:00:00.000', '2026-00-10 00:00:00.000', '2026-01-10 00:00:00.001', null],
  };
  await staging.sql.query('alter table hash_trial modify number bigint unsigned');
  const [connection] = [await staging.sql.getConnection()];
  try {
    await connection.query("set session sql_mode = ''");
    for (const [column, all] of Object.entries(values)) {
      const hashes = new Set<string | undefined>();
      for (const value of all) {
        await connection.query(`update hash_trial set ${column} = ? where id = 1`, [value]);
        hashes.add((await hashesInChunks(connection, present, [0])).get(1));
      }
      // Without strict mode, MySQL stores -1 as 0. The list of values contains 0, too, so two values of this column
      // have the same hash.
      const expected = column === 'number' ? all.length - 1 : all.length;
      expect([column, hashes.size]).toEqual([column, expected]);
    }
  } finally {
    connection.destroy();
  }
});

const numbers = [-1, 0, 1, 999_999_999_999_999, '1000000000000000', '18446744073709551615', null];
const times = [
  '0000-00-00 00:00:00',
  '2026-00-10 00:00:00',
  '2026-02-00 00:00:00',
  '2026-02-31 00:00:00',
  '0000-01-01 00:00:00',
  '2028-02-29 23:59:59.999999',
  null,
];
const words = ['', 'x', '7', '\u000B', '\u007F', '\\u000b', 'trailing ', null];

/** The columns that other programs may have made, and the values that they may have stored there. */
const columnTypes: [column: string, values: unknown[], types: string[]][] = [
  [
    'number',
    numbers,
    [
      'int',
      'bigint',
      'bigint unsigned',
      'int zerofill',
      'decimal(30,2)',
      'float',
      'varchar(60)',
      'bit(8)',
      'year',
    ],
  ],
  ['business_id', numbers, ['bigint', 'bigint unsigned', 'int', 'varchar(60)']],
  ['task_id', numbers, ['bigint']],
  ['`on`', [...numbers, 2, 127], ['tinyint', 'bigint', 'int', 'bit(8)', 'varchar(60)', 'float']],
  [
    'begins',
    times,
    [
      'datetime',
      'datetime(1)',
      'datetime(3)',
      'datetime(6)',
      'timestamp(3) null',
      'date',
      'time',
      'varchar(60)',
    ],
  ],
  [
    'title',
    words,
    [
      'varchar(60)',
      'char(60)',
      'text',
      'varbinary(60)',
      'blob',
      "enum('x','7')",
      'varchar(60) character set latin1',
      'int',
    ],
  ],
  ['body', words, ['varchar(60) character set utf16', 'text', 'longtext']],
  ['kind', words, ['varchar(60)']],
];

test('the hash of a row is certain only if it is that of the program, whatever column another program made and whatever it stored there', async () => {
  const { staging } = world;
  const connection = await staging.sql.getConnection();
  const [one] = samples(1);
  const seen = { certain: 0, uncertain: 0 };
  try {
    await connection.query("set session sql_mode = 'ALLOW_INVALID_DATES'");
    for (const [column, values, types] of columnTypes) {
      await makeTrial(staging);
      await bothHashes(
        staging,
        present,
        values.map((): Content => ({ ...one, title: 'x', cities: [] })),
      );
      for (const type of types) {
        await connection.query(`update hash_trial set ${column} = null`);
        await connection.query(`alter table hash_trial modify ${column} ${type}`);
        for (const [index, value] of values.entries()) {
          await connection
            .query(`update hash_trial set ${column} = ? where id = ?`, [value, index + 1])
            .catch(() => {});
        }
        forgetCached();
        const found = await hashesNow(
          staging,
          present,
          values.map((_value, index) => index + 1),
        );
        expect([column, type, found.mysql]).toEqual([column, type, found.program]);
        seen.certain += found.mysql.length;
        seen.uncertain += found.uncertain.size;
      }
    }
  } finally {
    connection.destroy();
  }
  expect(seen).toEqual({ certain: 114, uncertain: 190 });
});

test('the hash of a row with links is certain only if it is that of the program, whatever the linked names are', async () => {
  const { staging } = world;
  await makeTrial(staging);
  const names = [
    'Pune',
    'Pune',
    'pune',
    'e\u0301',
    '\u00E9',
    '\u212B',
    '\u{1F600}',
    '\uFF01',
    '\u000B',
    '',
    '"',
    '\\u000b',
    'null',
  ];
  await staging.sql.query('delete from city');
  for (const [index, one] of names.entries()) {
    await staging.sql.query('insert into city (id, name, modified_at) values (?, ?, ?)', [
      index + 1,
      one,
      '2026-01-01',
    ]);
  }
  const [one] = samples(1);
  const pairs = names.flatMap((_a, a) => names.map((_b, b) => [a + 1, b + 1] as const));
  await bothHashes(
    staging,
    present,
    pairs.map((): Content => ({ ...one, title: 'x', cities: [] })),
  );
  const lines = pairs.flatMap(([a, b], index) => [
    [index + 1, a, null],
    [index + 1, b, a % 3 === 0 ? 1 : null],
  ]);
  await staging.sql.query('insert into hash_trial_city values ?', [lines]);
  const found = await hashesNow(
    staging,
    present,
    pairs.map((_pair, index) => index + 1),
  );
  expect(found.mysql).toEqual(found.program);
  expect([found.mysql.length, found.uncertain.size]).toEqual([23, 146]);
});

test('the digest of the rows with ids up to 999 changes when the id of one of these rows becomes 1005, and equal rows give equal digests', async () => {
  const { staging } = world;
  await makeTrial(staging);
  const some = samples(5);
  await bothHashes(staging, present, some);
  const first = await chunkDigests(staging.sql, present, 0, 3);
  expect(first.get(0)?.rows).toBe(5);
  await run(staging.sql, sql`update hash_trial set id = id + 1000 where id = 5`);
  await run(
    staging.sql,
    sql`update hash_trial_city set hash_trial_id = 1005 where hash_trial_id = 5`,
  );
  const moved = await chunkDigests(staging.sql, present, 0, 3);
  expect([...moved.keys()]).toEqual([0, 1]);
  expect(digestsOf(await hashesInChunks(staging.sql, present, [0, 1, 3]))).toEqual(moved);
  expect(moved.get(0)?.digest).not.toBe(first.get(0)?.digest);
  await bothHashes(staging, present, some);
  expect(await chunkDigests(staging.sql, present, 0, 3)).toEqual(first);
});

test('MySQL computes different hashes for different texts, and always the same for one text, even if the program’s hash differs', async () => {
  const { staging } = world;
  await makeTrial(staging);
  const [one] = samples(1);
  const some = ['\u000B', '\u001F', '\\u000b'].map((title) => ({ ...one, title }));
  const { hashes } = await bothHashes(staging, present, some);
  expect(new Set(hashes.map(([, hash]) => hash)).size).toBe(3);
  const again = await bothHashes(staging, present, some);
  expect(again.hashes).toEqual(hashes);
});
