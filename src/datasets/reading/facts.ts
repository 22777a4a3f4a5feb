// What the cells of one column are, over all rows.
import type { Column } from './reading.ts';
import { shapeOf, shapes } from './shapes.ts';
import {
  fitting,
  kindOf,
  kinds,
  proposeKind,
  takes,
  type CellKind,
  type Proposal,
} from './types.ts';

export type Fit = { type: Column['type']; format: string | null; cells: number };
export type Example = { line: number; text: string };

/** What the cells of a column are: how many fit which type, and which do not fit the nearest one. */
export type ColumnFacts = Column & {
  empty: number;
  filled: number;
  /** How many cells fit each type and format that any cell fits; words for null are counted in none. */
  fits: Fit[];
  /** Cells with a word for null, such as N/A. */
  nullWords: number;
  samples: string[];
  /** The type that was chosen or proposed, or else the one that most cells fit; null when none fits. */
  nearest: Fit | null;
  /** Up to three cells that do not fit it. */
  misfits: Example[];
};

const EXAMPLES = 3;
const SHOWN = 200;

export class ColumnCounter {
  private readonly counts = new Map<number, number>();
  private readonly rejected = new Map<number, number>();
  private readonly examples = new Map<number, Example[]>();
  private readonly samples: string[] = [];
  private empty = 0;
  // Neighbours mostly have the same shape: they are counted without looking it up.
  private shape = 0;
  private run = 0;

  /** Counts a cell and returns its shape; 0 when it is empty. */
  add(cell: string, line: number): number {
    if (cell === '') {
      this.empty += 1;
      return 0;
    }
    const shape = shapeOf(cell);
    if (shape === this.shape) {
      this.run += 1;
    } else {
      this.flush();
      this.shape = shape;
      this.run = 1;
    }
    if (this.run <= EXAMPLES) this.show(shape, cell, line);
    return shape;
  }

  /** Takes a cell of a rejected row out of the decision about the type. */
  leaveOut(shape: number) {
    if (shape !== 0) this.rejected.set(shape, (this.rejected.get(shape) ?? 0) + 1);
  }

  isEmpty(): boolean {
    this.flush();
    return this.counts.size === 0;
  }

  propose(delimiter: string): Proposal {
    this.flush();
    const kept = new Map<number, number>();
    for (const [shape, count] of this.counts) {
      const left = count - (this.rejected.get(shape) ?? 0);
      if (left > 0) kept.set(shape, left);
    }
    return proposeKind(kept, delimiter);
  }

  /** Cells of a shape that makes a type doubtful. */
  examplesOf(...wanted: number[]): Example[] {
    const found = wanted.flatMap((shape) => this.examples.get(shape) ?? []);
    return found.toSorted((one, other) => one.line - other.line).slice(0, EXAMPLES);
  }

  facts(column: Column): ColumnFacts {
    this.flush();
    const fits = kinds.map((kind) => this.fit(kind)).filter(({ cells }) => cells > 0);
    const nearest =
      column.type === 'text' ? most(fits) : this.fit(kindOf(column.type, column.format));
    const kind = nearest && kindOf(nearest.type, nearest.format);
    const others = kind ? [...this.counts.keys()].filter((shape) => !takes(kind, shape)) : [];
    let filled = 0;
    for (const count of this.counts.values()) filled += count;
    return {
      name: column.name,
      type: column.type,
      format: column.format,
      empty: this.empty,
      filled,
      fits,
      nullWords: this.counts.get(shapes.nullWord) ?? 0,
      samples: this.samples,
      nearest,
      misfits: this.examplesOf(...others),
    };
  }

  private fit(kind: CellKind): Fit {
    return { type: kind.type, format: kind.format, cells: fitting(kind, this.counts) };
  }

  private flush() {
    if (this.run > 0) this.counts.set(this.shape, (this.counts.get(this.shape) ?? 0) + this.run);
    this.run = 0;
  }

  private show(shape: number, cell: string, line: number) {
    const shown = this.examples.get(shape) ?? [];
    if (shown.length < EXAMPLES) {
      this.examples.set(shape, [...shown, { line, text: kept(cell) }]);
    }
    if (this.samples.length < EXAMPLES && !this.samples.includes(cell)) {
      this.samples.push(kept(cell));
    }
  }
}

function most(fits: Fit[]): Fit | null {
  const [first] = fits.toSorted((one, other) => other.cells - one.cells);
  return first ?? null;
}

/** The beginning of a text, copied: a slice would keep the piece of the file in memory that it is cut from. */
export const kept = (text: string) =>
  Buffer.from(text.slice(0, SHOWN), 'utf16le').toString('utf16le');
