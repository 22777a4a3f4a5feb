// Classifies each line of a file: a line above the header, the header, a row, a rejected line, an empty line, or the
// continuation of a record that began on an earlier line.
import type { Counts, Reading, Reject, RejectReason } from './reading.ts';
import { Tokenizer, type Damage, type LineRecord } from './tokenizer.ts';

/** A row as it is written in the file. Its cells are texts; an empty cell is an empty text. */
export type DataLine = { line: number; cells: string[]; size: number; hasStrayQuote: boolean };

export type LineRules = Pick<
  Reading,
  'delimiter' | 'headerLine' | 'width' | 'fillShortRows' | 'ignoreEmptySurplus'
>;

const ABOVE_SHOWN = 20;

export class Lines {
  readonly above: { line: number; text: string }[] = [];
  private readonly counts: Counts = {
    lines: 0,
    above: 0,
    header: 0,
    rows: 0,
    rejects: 0,
    empty: 0,
    continued: 0,
    strayQuotes: 0,
  };
  private readonly rules: LineRules;
  private readonly tokenizer: Tokenizer;
  private readonly counter = new LineCounter();

  constructor(rules: LineRules) {
    this.rules = rules;
    this.tokenizer = new Tokenizer(rules.delimiter);
  }

  push(text: string) {
    this.counter.push(text);
    this.tokenizer.push(text, false);
  }

  end() {
    this.tokenizer.push('', true);
  }

  /**
   * Returns the next row or rejected line. Returns null at the end of the file, or if the next chunk of the file is
   * needed to complete the record.
   */
  next(): DataLine | Reject | null {
    for (;;) {
      const isAbove = this.counts.above < (this.rules.headerLine ?? 1) - 1;
      const record = isAbove ? this.tokenizer.nextLine() : this.tokenizer.next();
      if (!record) return null;
      this.counts.continued += record.lines - 1;
      const found = isAbove ? this.lineAbove(record) : this.place(record);
      if (found) return found;
    }
  }

  /** Counts a line as rejected instead of as a row, because a value does not fit the type of its column. */
  rejectRow({ hasStrayQuote }: DataLine) {
    this.counts.rows -= 1;
    this.counts.rejects += 1;
    if (hasStrayQuote) this.counts.strayQuotes -= 1;
  }

  /**
   * Returns the counts of the whole file.
   * @throws Error if a line is in no count or in two, so that no line is lost unnoticed
   */
  total(): Counts {
    const { counts } = this;
    counts.lines = this.counter.total();
    const { above, header, rows, rejects, empty, continued } = counts;
    const sum = above + header + rows + rejects + empty + continued;
    if (sum !== counts.lines) throw new Error(`${sum} of ${counts.lines} lines are accounted for`);
    return counts;
  }

  private lineAbove(record: LineRecord): null {
    this.counts.above += 1;
    if (this.above.length < ABOVE_SHOWN) {
      this.above.push({ line: record.line, text: record.excerpt() });
    }
    return null;
  }

  private place(record: LineRecord): DataLine | Reject | null {
    if (record.line === this.rules.headerLine) {
      this.counts.header += 1;
      return null;
    }
    if (record.damage)
      return this.reject(record, reasonOf[record.damage], sentenceOf[record.damage]);
    if (record.hasNul) return this.reject(record, 'nul', 'NUL character');
    const { cells } = record;
    if (cells[0] === '' && cells.every((cell) => cell === '')) {
      this.counts.empty += 1;
      return null;
    }
    if (cells.length !== this.rules.width && !this.fit(cells)) {
      const { width } = this.rules;
      const expected = `${width} ${width === 1 ? 'cell' : 'cells'} expected`;
      return this.reject(record, 'cells', `${expected}, ${cells.length} found`);
    }
    this.counts.rows += 1;
    if (record.hasStrayQuote) this.counts.strayQuotes += 1;
    return record;
  }

  /**
   * Adds missing cells or removes empty extra cells, if the parsing rules that a person confirmed allow that. Returns
   * whether the row has the right number of cells afterwards.
   */
  private fit(cells: string[]): boolean {
    const { width, fillShortRows, ignoreEmptySurplus } = this.rules;
    if (cells.length < width) {
      while (fillShortRows && cells.length < width) cells.push('');
    } else if (ignoreEmptySurplus && cells.slice(width).every((cell) => cell === '')) {
      cells.length = width;
    }
    return cells.length === width;
  }

  private reject(record: LineRecord, reason: RejectReason, text: string): Reject {
    this.counts.rejects += 1;
    return { line: record.line, column: null, reason, text, excerpt: record.excerpt() };
  }
}

const reasonOf: Record<Damage, RejectReason> = {
  unclosed: 'quotes',
  'after-quote': 'quotes',
  'too-long': 'too-long',
  'too-wide': 'cells',
};
const sentenceOf: Record<Damage, string> = {
  unclosed: 'a quote that is never closed',
  'after-quote': 'text after a closing quote',
  'too-long': 'a record of more than 1,000,000 characters',
  'too-wide': 'more than 16,384 cells',
};

/** Counts line ends independently of the parser, to verify that the parser lost no line. */
class LineCounter {
  private ends = 0;
  private last = '';

  push(text: string) {
    if (text === '') return;
    this.ends += count(text, '\n') + count(text, '\r') - count(text, '\r\n');
    if (this.last === '\r' && text.startsWith('\n')) this.ends -= 1;
    this.last = text.at(-1) ?? '';
  }

  total(): number {
    const isOpen = this.last !== '' && this.last !== '\n' && this.last !== '\r';
    return this.ends + (isOpen ? 1 : 0);
  }
}

function count(text: string, part: string): number {
  let found = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length))
    found += 1;
  return found;
}
