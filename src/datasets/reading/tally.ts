// Collects the findings of the examination while it reads a file line by line: rejected lines, a preview, and facts
// about each column.
import { excerptOf } from './excerpt.ts';
import { ColumnCounter, type ColumnFacts, type Example } from './facts.ts';
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
  /**
   * Examples of cells with characters beyond ASCII, collected only if the encoding is doubtful, because the encoding
   * decides how these characters are read.
   */
  readonly beyondAscii: Example[] = [];
  private readonly isEncodingDoubtful: boolean;
  readonly lines: Lines;
  private readonly delimiter: string;
  private readonly layout: Layout;
  private readonly counters: ColumnCounter[];
  private readonly names: string[];
  /** The columns whose type a person chose, by their index. */
  private readonly chosen: ReadonlyMap<number, Column>;

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
    this.chosen = new Map(
      this.names.flatMap((name, index) => {
        // Object.hasOwn is needed because a column can be called "constructor", a name that every object inherits.
        const type = Object.hasOwn(types, name) ? types[name] : undefined;
        return type ? [[index, { name, type: type.type, format: type.format }]] : [];
      }),
    );
  }

  push(text: string) {
    this.lines.push(text);
    this.takeAll();
  }

  end() {
    this.lines.end();
    this.takeAll();
  }

  /**
   * Returns the columns with their findings, the index of the cell that each column takes from a record, and the
   * columns about which a person must be asked (`doubts`).
   */
  columns(): { facts: ColumnFacts[]; positions: number[]; doubts: Doubt[] } {
    const facts: ColumnFacts[] = [];
    const positions: number[] = [];
    const doubts: Doubt[] = [];
    for (const [index, counter] of this.counters.entries()) {
      // A column without a name and without filled cells is left out.
      if (headerText(this.layout.header[index] ?? '') === '' && counter.isEmpty()) continue;
      const name = this.names[index] ?? '';
      const { kind, ask } = counter.propose(this.delimiter);
      const column = this.chosen.get(index) ?? { name, type: kind.type, format: kind.format };
      positions.push(index);
      facts.push(counter.facts(column));
      if (ask === null || this.chosen.has(index)) continue;
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
    this.count(line);
    const reject = this.misfitIn(line);
    if (reject) {
      this.leaveOut(line.cells);
      this.lines.rejectRow(line);
      this.reject(reject);
      return;
    }
    if (this.firstLines.length < PREVIEW) this.firstLines.push(line);
    if (line.hasStrayQuote && this.strayQuotes.length < STRAY) this.strayQuotes.push(line.line);
    if (this.isEncodingDoubtful && this.beyondAscii.length < EXAMPLES) this.showBeyondAscii(line);
  }

  private count({ line, cells }: DataLine) {
    const { counters } = this;
    for (let index = 0; index < cells.length; index += 1) {
      counters[index]?.add(cells[index] as string, line);
    }
  }

  /**
   * Returns the line as rejected if a cell does not fit the type that a person chose for its column; otherwise null.
   */
  private misfitIn({ line, cells }: DataLine): Reject | null {
    for (const [index, column] of this.chosen) {
      const cell = cells[index] ?? '';
      const isFit = cell === '' || takes(kindOf(column.type, column.format), shapeOf(cell));
      if (!isFit) return misfit(line, column, cell);
    }
    return null;
  }

  private leaveOut(cells: string[]) {
    for (const [index, cell] of cells.entries()) {
      if (cell !== '') this.counters[index]?.leaveOut(shapeOf(cell));
    }
  }

  private reject(reject: Reject) {
    if (this.rejects.length < REJECTS) this.rejects.push(reject);
  }

  private showBeyondAscii({ line, cells }: DataLine) {
    const text = cells.find((cell) => /[^\0-\x7f]/.test(cell));
    if (text !== undefined) this.beyondAscii.push({ line, text: excerptOf(text) });
  }
}
