// What the cells of one column are, over all rows.
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
const SHAPES = Object.keys(shapes).length;

export class ColumnCounter {
  /** Cells of each shape, and those of rejected rows. */
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

  /** Takes a cell of a rejected row out of the decision about the type. */
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

  /** Cells of a shape that makes a type doubtful. */
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
