// Which character stands between the cells.
import { CELL_LIMIT } from './text-window.ts';
import { Tokenizer, type LineRecord } from './tokenizer.ts';

export const delimiters = [',', ';', '\t', '|'] as const;

/** Records that are looked at to propose a delimiter and a header. */
const RECORDS = 1_000;

/** The beginning of a file; `isWhole` when that is all of it. */
export type Sample = { text: string; isWhole: boolean };

/** The first records of a sample, from one line on. */
export function recordsOf(sample: Sample, delimiter: string, fromLine = 1): LineRecord[] {
  const tokenizer = new Tokenizer(delimiter);
  tokenizer.push(sample.text, sample.isWhole);
  for (let line = 1; line < fromLine; line += 1) if (!tokenizer.nextLine()) return [];
  const records: LineRecord[] = [];
  let record = tokenizer.next();
  while (record && records.length < RECORDS) {
    records.push(record);
    record = tokenizer.next();
  }
  return records;
}

/** The delimiter of the most even records, times log2 of their columns. */
export function proposeDelimiter(sample: Sample): string {
  const named = /^sep=([,;\t|])[\r\n]/i.exec(sample.text)?.[1];
  if (named) return named;
  const scores = delimiters.map((delimiter) => {
    const { width, share } = usualWidth(recordsOf(sample, delimiter));
    return {
      delimiter,
      share,
      isPerfect: share === 1 && width > 1,
      score: share * Math.log2(width),
    };
  });
  // A list within a cell, such as 255;0;0, cuts almost every row evenly, but not the header.
  const perfect = scores.filter(({ isPerfect }) => isPerfect);
  const candidates = perfect.length > 0 ? perfect : scores;
  // With one column everywhere, the delimiter that cuts no cell.
  const [best] = candidates.toSorted(
    (one, other) => other.score - one.score || other.share - one.share,
  );
  return best?.delimiter ?? ',';
}

export const isEmpty = (record: LineRecord) =>
  record.damage === null && record.cells.every((cell) => cell === '');

/** The number of cells that most records have, and which share of them has it. */
export function usualWidth(records: LineRecord[]): { width: number; share: number } {
  const filled = records.filter((record) => !isEmpty(record));
  const counts = new Map<number, number>();
  for (const { damage, cells } of filled) {
    if (damage !== null && damage !== 'too-wide') continue;
    const width = damage === null ? cells.length : CELL_LIMIT + 1;
    counts.set(width, (counts.get(width) ?? 0) + 1);
  }
  let [width, most] = [1, 0];
  for (const [cells, count] of counts) if (count > most) [width, most] = [cells, count];
  // Records that are all empty are even, too.
  return { width, share: filled.length === 0 ? 1 : most / filled.length };
}
