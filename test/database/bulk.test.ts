// Bulk inserts and updates store every value unchanged, even when their rows are split into several statements.
import { beforeAll, expect, test } from 'vitest';
import { insertLines, updateFromLines, type Line } from '../../src/database/bulk.ts';
import { select, sql, statements } from '../../src/database/sql.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
beforeAll(async () => {
  await world.staging.sql.query(
    'create table line (id bigint unsigned primary key, text longtext null, flag tinyint(1) null)',
  );
  world.onClose(() => world.staging.sql.query('drop table line'));
});

const texts = [
  'What? Why ?? :name',
  `' " \\ \` \\' -- /* */`,
  '🪔'.repeat(90_000),
  'a\0b\n\r\x1a',
  '',
  null,
];
const lines: Line[] = texts.map((text, index) => [index + 1, text, index % 2 === 0]);
const stored = () =>
  select<{ id: number; text: string | null; flag: number }>(
    world.staging.sql,
    sql`select * from line order by id`,
  );

/** Counts the statements that `work` sends. */
async function counted(work: () => Promise<void>): Promise<number> {
  let count = 0;
  const one = () => (count += 1);
  statements.subscribe(one);
  await work().finally(() => statements.unsubscribe(one));
  return count;
}

test('a bulk insert stores question marks, quotes, emoji and NUL unchanged, even when it is split into several statements', async () => {
  const { sql: on } = world.staging;
  const used = await counted(async () => {
    await insertLines(on, sql`insert into line (id, text, flag) values`, [
      ...lines,
      [7, '🪔'.repeat(90_000), null],
      [8, 'the next statement', null],
    ]);
  });
  expect(used).toBe(2);
  expect((await stored()).slice(0, 6).map(({ text }) => text)).toEqual(texts);
});

test('a bulk update finds rows by id and changes only the named columns', async () => {
  const { sql: on } = world.staging;
  const reversed = lines.map(
    ([id], index) => [id ?? 0, texts.toReversed()[index] ?? null] as const,
  );
  await updateFromLines(
    on,
    { table: 'line', columns: ['id', 'text'], set: sql`target.text = given.text` },
    reversed,
  );
  const now = (await stored()).slice(0, 6);
  expect(now.map(({ text }) => text)).toEqual(texts.toReversed());
  expect(now.map(({ flag }) => flag)).toEqual([1, 0, 1, 0, 1, 0]);
});

test('a bulk update of more rows than one statement takes changes each of them once, and no other row', async () => {
  const { sql: on } = world.staging;
  const ids = Array.from({ length: 1201 }, (_, index) => 10_000 + index * 3);
  const around = ids.flatMap((id): Line[] => [
    [id, 'old', true],
    [id + 1, 'neighbour', true],
  ]);
  await insertLines(on, sql`insert into line (id, text, flag) values`, around);
  const shuffled = ids.toSorted((one, other) => ((one * 7919) % 1201) - ((other * 7919) % 1201));
  const update = { table: 'line', columns: ['id', 'text'], set: sql`target.text = given.text` };
  const used = await counted(async () => {
    await updateFromLines(
      on,
      update,
      shuffled.map((id) => [id, `new ${id}`]),
    );
  });
  expect(used).toBe(3);
  const now = new Map((await stored()).map(({ id, text }) => [id, text]));
  expect(ids.filter((id) => now.get(id) !== `new ${id}`)).toEqual([]);
  expect(ids.filter((id) => now.get(id + 1) !== 'neighbour')).toEqual([]);
});

const long = ['x'.repeat(65_536), '🪔'.repeat(16_384), '€'.repeat(21_846), 'x'.repeat(200_000)];

test.each([
  ['a short text', 'a'],
  ['an empty text', ''],
  ['null', null],
  ['a text of 20,000 characters', '€'.repeat(20_000)],
])(
  'a bulk update does not truncate texts of 64 KiB and more when the row before them contains %s',
  async (_what, first) => {
    const { sql: on } = world.staging;
    for (const text of long) {
      await updateFromLines(
        on,
        { table: 'line', columns: ['id', 'text'], set: sql`target.text = given.text` },
        [
          [1, first],
          [2, text],
          [3, 'b'],
        ],
      );
      const now = (await stored()).slice(0, 3).map((line) => line.text);
      expect(now.map((one) => one?.length)).toEqual([first?.length, text.length, 1]);
      expect(now).toEqual([first, text, 'b']);
    }
  },
);

test('a bulk insert without rows sends no statement, and a bulk insert fails when the database refuses a row', async () => {
  const { sql: on } = world.staging;
  const head = sql`insert into line (id, text, flag) values`;
  expect(await counted(() => insertLines(on, head, []))).toBe(0);
  await expect(insertLines(on, head, [[1, 'again', true]])).rejects.toMatchObject({
    code: 'ER_DUP_ENTRY',
  });
});
