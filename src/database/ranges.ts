// Ranges of whole numbers, SQL conditions for many numbers, and a search in sorted numbers.
import { join, sql, type Statement } from './sql.ts';

/** Returns each of these numbers once, in rising order: the given list itself if it is so already. */
export function rising(numbers: number[]): number[] {
  // Mostly they are in this order already, and finding that out takes a tenth of the time.
  const isRising = numbers.every(
    (number, index) => index === 0 || number > (numbers[index - 1] ?? 0),
  );
  return isRising ? numbers : [...new Set(numbers)].toSorted((one, other) => one - other);
}

/** Groups numbers into ranges of consecutive numbers: `1, 2, 3, 7` becomes `[1, 3], [7, 7]`. */
export function rangesOf(numbers: number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const number of rising(numbers)) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

/**
 * The SQL condition that a column has one of these whole numbers. In a long list, consecutive numbers become ranges: a
 * server finds ten thousand consecutive ids in half the time if it need not compare each of them.
 */
export function isAmong(column: Statement, numbers: number[]): Statement {
  const own = rising(numbers);
  const listed = sql`${column} in (${own})`;
  if (own.length <= LONGEST_LIST) return listed;
  const ranges = rangesOf(own);
  if (ranges.length > own.length / 10) return listed;
  const conditions = ranges.map(([from, to]) => sql`${column} between ${from} and ${to}`);
  return sql`(${join(conditions, ' or ')})`;
}

/** Lists of up to this many numbers are not searched for ranges. */
const LONGEST_LIST = 100;

/**
 * Returns the index of the first of `count` rising numbers that is at least `least`; `count` if there is none. `numberAt`
 * returns the number with an index; it is asked for few of them.
 */
export function indexFrom(
  count: number,
  numberAt: (index: number) => number,
  least: number,
): number {
  let [from, to] = [0, count];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (numberAt(middle) < least) from = middle + 1;
    else to = middle;
  }
  return from;
}
