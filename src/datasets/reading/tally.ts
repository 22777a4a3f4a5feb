// Everything that one pass over a file learns, line by line.
import { ColumnCounter, kept, type ColumnFacts, type Example } from './facts.ts';
import { columnNames, headerText, type Layout } from './header.ts';
import { Lines, type DataLine, type LineRules } from './lines.ts';
import type { Choices, Column, Reject } from './reading.ts';
import { misfit } from './rows.ts';
import { shapeOf, shapes } from './shapes.ts';
import { kindOf, takes } from './types.ts';

const REJECTS = 1_000;
const PREVIEW = 20;
const STRAY = 100;
const EXAMPLES = 3;

export type Doubt = { code: 'dates' | 'numbers'; column: string; examples: Example[] };

export class Tally {
  readonly rejects: Reject[] = [];
  readonly firstLines: DataLine[] = [];
  readonly strayQuotes: number[] = [];
  /** Cells with characters that depend on the encoding, where that is doubtful. */
  readonly beyondAscii: Example[] = [];
  private readonly isEncodingDoubtful: boolean;
  readonly lines: Lines;
  private readonly delimiter: string;
  private readonly layout: Layout;
  private readonly counters: ColumnCounter[];
  private readonly names: string[];
  /** The columns whose type a person chose. */
  private readonly chosen: (Column | undefined)[];

  constructor(
    layout: Layout,
    rules: LineRules,
    { types = {}, isEncodingDoubtful }: { types: Choices['types']; isEncodingDoubtful: boolean },
  ) {
    this.layout = layout;
    this.isEncodingDoubtful = isEncodingDoubtful;
    this.delimiter = rules.delimiter;
    this.lines = new Lines(rules);
    this.names = columnNames(layout);
    this.counters = this.names.map(() => new ColumnCounter());
    // A column can be called "constructor".
    this.chosen = this.names.map((name) => {
      const type = Object.hasOwn(types, name) ? types[name] : undefined;
      return type && { name, type: type.type, format: type.format };
    });
  }

  push(text: string) {
    this.lines.push(text);
    this.takeAll();
  }

  end() {
    this.lines.end();
    this.takeAll();
  }

  /** The columns that are kept, and the cell of a record that each one takes. */
  columns(): { facts: ColumnFacts[]; positions: number[]; doubts: Doubt[] } {
    const facts: ColumnFacts[] = [];
    const positions: number[] = [];
    const doubts: Doubt[] = [];
    for (const [index, counter] of this.counters.entries()) {
      // An empty column under an empty header is left out.
      if (headerText(this.layout.header[index] ?? '') === '' && counter.isEmpty()) continue;
      const name = this.names[index] ?? '';
      const { kind, ask } = counter.propose(this.delimiter);
      const column = this.chosen[index] ?? { name, type: kind.type, format: kind.format };
      positions.push(index);
      facts.push(counter.facts(column));
      if (ask === null || this.chosen[index]) continue;
      const shape = ask === 'dates' ? shapes.dayOrMonthFirst : shapes.commaGroup;
      doubts.push({ code: ask, column: name, examples: counter.examplesOf(shape) });
    }
    return { facts, positions, doubts };
  }

  private takeAll() {
    for (let found = this.lines.next(); found; found = this.lines.next()) {
      if ('reason' in found) this.reject(found);
      else this.take(found);
    }
  }

  private take(line: DataLine) {
    const reject = this.count(line);
    if (reject) {
      this.lines.rejectRow(line);
      this.reject(reject);
      return;
    }
    if (this.firstLines.length < PREVIEW) this.firstLines.push(line);
    if (line.hasStrayQuote && this.strayQuotes.length < STRAY) this.strayQuotes.push(line.line);
    if (this.isEncodingDoubtful && this.beyondAscii.length < EXAMPLES) this.showBeyondAscii(line);
  }

  /** Counts the cells of a row; a reject when one does not fit the type that was chosen for it. */
  private count({ line, cells }: DataLine): Reject | null {
    const { counters, chosen } = this;
    let reject: Reject | null = null;
    for (let index = 0; index < cells.length; index += 1) {
      const cell = cells[index] ?? '';
      const shape = counters[index]?.add(cell, line) ?? 0;
      const column = chosen[index];
      if (!column || shape === 0 || takes(kindOf(column.type, column.format), shape)) continue;
      reject ??= misfit(line, column, cell);
    }
    if (reject) this.leaveOut(cells);
    return reject;
  }

  private leaveOut(cells: string[]) {
    for (const [index, cell] of cells.entries()) {
      if (cell !== '') this.counters[index]?.leaveOut(shapeOf(cell));
    }
  }

  private reject(reject: Reject) {
    if (this.rejects.length >= REJECTS) return;
    this.rejects.push({ ...reject, text: kept(reject.text), excerpt: kept(reject.excerpt) });
  }

  private showBeyondAscii({ line, cells }: DataLine) {
    const text = cells.find((cell) => /[^\0-\x7f]/.test(cell));
    if (text !== undefined) this.beyondAscii.push({ line, text: kept(text) });
  }
}
