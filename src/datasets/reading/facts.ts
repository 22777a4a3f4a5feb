// Counts what the cells of one column look like, over all rows, to propose the type of the column.
import { excerptOf } from './excerpt.ts';
import type { Column } from './reading.ts';
import { indexOfShape, shapeOf, shapes } from './shapes.ts';
import {
  fitting,
  kindOf,
  kinds,
  proposeKind,
  takes,
  type CellKind,
  type Proposal,
  type ShapeCounts,
} from './types.ts';

export type Fit = { type: Column['type']; format: string | null; cells: number };
export type Example = { line: number; text: string };

/**
 * The findings about a column: how many cells fit each type, and which cells do not fit the type that most cells fit
 * (`nearest`).
 */
export type ColumnFacts = Column & {
  empty: number;
  filled: number;
  /**
   * How many cells fit each type and format; types that no cell fits are left out. Words for “no
   * value” count for no type.
   */
  fits: Fit[];
  /** How many cells hold a word for “no value”, such as N/A. */
  nullWords: number;
  samples: string[];
  /**
   * The type of the column. For a text column, the other type that most cells fit; null if no cell
   * fits another type.
   */
  nearest: Fit | null;
  /** Up to three cells that do not fit `nearest`. */
  misfits: Example[];
};

const EXAMPLES = 3;
const SHAPES = Object.keys(shapes).length;

export class ColumnCounter {
  /** The number of cells of each shape (integer, date …), in all rows and in rejected rows. */
  private readonly counts = new Float64Array(SHAPES);
  private readonly rejected = new Float64Array(SHAPES);
  private readonly examples: (Example[] | undefined)[] = [];
  private readonly samples: string[] = [];
  private empty = 0;

  add(cell: string, line: number) {
    if (cell === '') {
      this.empty += 1;
      return;
    }
    const index = indexOfShape(shapeOf(cell));
    const count = (this.counts[index] ?? 0) + 1;
    this.counts[index] = count;
    if (count <= EXAMPLES) this.show(index, cell, line);
  }

  /**
   * Excludes a cell of a rejected row, so that the cell does not influence the proposed type of the
   * column.
   */
  leaveOut(shape: number) {
    const index = indexOfShape(shape);
    this.rejected[index] = (this.rejected[index] ?? 0) + 1;
  }

  isEmpty(): boolean {
    return this.counts.every((count) => count === 0);
  }

  propose(delimiter: string): Proposal {
    const accepted = this.counts.map((count, index) => count - (this.rejected[index] ?? 0));
    return proposeKind(countsOf(accepted), delimiter);
  }

  /** Returns the first cells that have one of these shapes (integer, date …), as examples. */
  examplesOf(...wanted: number[]): Example[] {
    const found = wanted.flatMap((shape) => this.examples[indexOfShape(shape)] ?? []);
    return found.toSorted((one, other) => one.line - other.line).slice(0, EXAMPLES);
  }

  facts(column: Column): ColumnFacts {
    const counts = countsOf(this.counts);
    const fits = kinds.map((kind) => this.fit(kind)).filter(({ cells }) => cells > 0);
    const nearest =
      column.type === 'text' ? most(fits) : this.fit(kindOf(column.type, column.format));
    const kind = nearest && kindOf(nearest.type, nearest.format);
    const others = kind ? [...counts.keys()].filter((shape) => !takes(kind, shape)) : [];
    let filled = 0;
    for (const count of counts.values()) filled += count;
    return {
      name: column.name,
      type: column.type,
      format: column.format,
      empty: this.empty,
      filled,
      fits,
      nullWords: counts.get(shapes.nullWord) ?? 0,
      samples: this.samples,
      nearest,
      misfits: this.examplesOf(...others),
    };
  }

  private fit(kind: CellKind): Fit {
    return { type: kind.type, format: kind.format, cells: fitting(kind, countsOf(this.counts)) };
  }

  private show(index: number, cell: string, line: number) {
    (this.examples[index] ??= []).push({ line, text: excerptOf(cell) });
    if (this.samples.length < EXAMPLES && !this.samples.includes(cell)) {
      this.samples.push(excerptOf(cell));
    }
  }
}

function countsOf(counts: Float64Array): ShapeCounts {
  const found = new Map<number, number>();
  for (const [index, count] of counts.entries()) if (count > 0) found.set(2 ** index, count);
  return found;
}

function most(fits: Fit[]): Fit | null {
  const [first] = fits.toSorted((one, other) => other.cells - one.cells);
  return first ?? null;
}
