// Parses the arguments of `npm run bench`: the names of benchmarks, and `--rows` for benchmarks that can be resized.
import { parseArgs } from 'node:util';
import { sized } from './timing.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string' } },
});

export const chosen = positionals;

/** Returns the number of rows from `--rows`; by default `usual`, scaled by BENCH_SCALE. */
export function chosenRows(usual: number): number {
  const rows = Number(values.rows ?? sized(usual));
  if (Number.isSafeInteger(rows) && rows > 0) return rows;
  throw new Error('--rows must be a number, such as --rows=100000');
}
