// Proposes the delimiter of a data file: the character between its cells.
import { CELL_LIMIT } from './text-window.ts';
import { Tokenizer, type LineRecord } from './tokenizer.ts';

export const delimiters = [',', ';', '\t', '|'] as const;

/** The delimiter and the header are proposed from at most this many records. */
const RECORDS = 1_000;

/** The beginning of a file. `isWhole`: whether the text is the whole file. */
export type Sample = { text: string; isWhole: boolean };

/** Parses the first records of a sample, beginning at the line `fromLine`. */
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

/**
 * Proposes the delimiter that gives the most regular table. The score is the share of records with
 * the most frequent number of cells, times log2 of that number.
 */
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
  // A delimiter that splits every record into the same number of cells wins over all others. This rule excludes the
  // semicolons of a list within a cell, such as 255;0;0: they split almost every row evenly, but not the header.
  const perfect = scores.filter(({ isPerfect }) => isPerfect);
  const candidates = perfect.length > 0 ? perfect : scores;
  // If most records have only one cell with every delimiter, all scores are 0. Then the delimiter that splits the
  // fewest records wins.
  const [best] = candidates.toSorted(
    (one, other) => other.score - one.score || other.share - one.share,
  );
  return best?.delimiter ?? ',';
}

export const isEmpty = (record: LineRecord) =>
  record.damage === null && record.cells.every((cell) => cell === '');

/**
 * Returns the most frequent number of cells per record, and the share of records with that number.
 */
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
  // A sample with only empty records counts as regular: its share is 1.
  return { width, share: filled.length === 0 ? 1 : most / filled.length };
}
