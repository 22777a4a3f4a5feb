// The arguments of `npm run bench`: names of benchmarks, and `--rows` for those whose size can be chosen.
import { parseArgs } from 'node:util';
import { sized } from './timing.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string' } },
});

export const chosen = positionals;

/** The number of rows from `--rows`, otherwise `usual`. */
export function chosenRows(usual: number): number {
  const rows = Number(values.rows ?? sized(usual));
  if (Number.isSafeInteger(rows) && rows > 0) return rows;
  throw new Error('--rows must be a number, such as --rows=100000');
}
