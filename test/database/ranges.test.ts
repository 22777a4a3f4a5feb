// Conditions for many numbers select exactly the rows with these numbers.
import { randomInt } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { isAmong, rising } from '../../src/database/ranges.ts';
import { select, sql } from '../../src/database/sql.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const ROWS = 2000;

beforeAll(async () => {
  const rows = Array.from({ length: ROWS }, (_, index) => [index]);
  await world.staging.sql.query('create table number (id bigint primary key)');
  world.onClose(() => world.staging.sql.query('drop table number'));
  await world.staging.sql.query('insert into number (id) values ?', [rows]);
});

/** Returns which of the numbers from 0 to 1999 the condition selects. */
async function selected(numbers: number[]): Promise<number[]> {
  const condition = isAmong(sql`id`, numbers);
  const lines = await select<{ id: number }>(
    world.staging.sql,
    sql`select id from number where ${condition} and id < ${ROWS} order by id`,
  );
  return lines.map(({ id }) => id);
}

/** Returns about `count` numbers that stand in groups of up to `together` consecutive ones, some of them twice. */
function numbersIn(count: number, together: number): number[] {
  const numbers: number[] = [];
  while (numbers.length < count) {
    const from = randomInt(ROWS);
    for (let next = from; next <= from + randomInt(together); next += 1) numbers.push(next);
  }
  return numbers;
}

test.each([
  ['no numbers', 0, 1],
  ['a few numbers', 40, 30],
  ['hundreds of scattered numbers', 600, 1],
  ['hundreds of numbers in small groups', 600, 5],
  ['hundreds of numbers in large groups', 900, 100],
])('a condition for %s selects exactly these numbers', async (_what, count, together) => {
  for (let round = 0; round < 5; round += 1) {
    const numbers = numbersIn(count, together);
    const wanted = new Set(numbers.filter((one) => one < ROWS));
    expect(await selected(numbers)).toEqual([...wanted].toSorted((a, b) => a - b));
  }
});

test('a condition for ten thousand consecutive numbers is one range', () => {
  const numbers = Array.from({ length: 10_000 }, (_, index) => index + 1);
  expect(isAmong(sql`id`, numbers)).toMatchObject({
    text: '(id between ? and ?)',
    values: [1, 10_000],
  });
});

test.each([
  [[], []],
  [
    [0, 1, 7],
    [0, 1, 7],
  ],
  [
    [7, 1, 7, 0],
    [0, 1, 7],
  ],
  [
    [10, 9],
    [9, 10],
  ],
  [[1, 1], [1]],
])('rising() makes of the numbers %j the list %j', (numbers, expected) => {
  expect(rising(numbers)).toEqual(expected);
});
