// Chooses the SQL types of the columns of a dataset’s table in the datasets database. The types must fit all cells
// (values) of the dataset, within InnoDB’s limits on the size of a row.
import { Problem } from '../problems.ts';
import type { Cell, MeasuredColumn } from './measures.ts';

/**
 * The SQL type of a column. `kind` decides how a cell (the value of one row in this column) is converted for this type.
 */
export type SqlType = { kind: 'as it is' | 'timestamp' | 'text'; definition: string };

/**
 * A possible SQL type of a column. `row`: how many bytes a cell of this type can take of MySQL’s limit on a row.
 * `page`: how many bytes it can take of InnoDB’s limit on a row, which depends on InnoDB’s page size.
 */
type Candidate = SqlType & { row: number; page: number };

/** MySQL limits a row to 65,535 bytes. A text that InnoDB stores off-page takes 12 bytes of this limit. */
const ROW_BYTES = 65_000;
/**
 * InnoDB limits a row to half a database page (16 kB by default), less overhead. In this limit, a text that is stored
 * off-page counts 41 bytes.
 */
const PAGE_BYTES = 8000;
const APART = { row: 12, page: 41 };
/** From this many bytes on, InnoDB can store a VARCHAR off-page. */
const MAY_BE_APART = 256;
const UTF8_BYTES = 4;

/**
 * Chooses the SQL type of each column of a dataset. A text column gets the length of its longest cell. If rows could
 * become too wide, ASCII texts get one byte a character; if that is not enough, the widest texts become TEXT columns,
 * which InnoDB stores off-page.
 * @throws Problem when even that is too wide
 */
export function columnTypes(columns: MeasuredColumn[]): SqlType[] {
  const chosen = columns.map((column) => candidateOf(column));
  for (const [from, narrower] of [
    [chosen, inAscii],
    [chosen, apart],
  ] as const) {
    const order = from
      .map((_one, index) => index)
      .toSorted((a, b) => width(from, b) - width(from, a));
    for (const index of order) {
      const column = columns[index];
      if (!column || isNarrow(chosen)) break;
      const other = narrower(column);
      const now = chosen[index];
      if (other && now && other.page + other.row < now.page + now.row) chosen[index] = other;
    }
  }
  if (!isNarrow(chosen)) {
    throw new Problem(
      422,
      'The rows are too wide for a table of MySQL: an InnoDB row has 8,000 bytes at most, and each text counts 41 even when it is kept apart. Leave out columns.',
    );
  }
  return chosen;
}

const width = (all: Candidate[], index: number) => (all[index]?.page ?? 0) + (all[index]?.row ?? 0);
const sum = (all: Candidate[], of: 'row' | 'page') =>
  all.reduce((total, one) => total + one[of], 0);
const isNarrow = (all: Candidate[]) =>
  sum(all, 'row') <= ROW_BYTES && sum(all, 'page') <= PAGE_BYTES;

const fixed = (
  definition: string,
  bytes: number,
  kind: SqlType['kind'] = 'as it is',
): Candidate => ({
  kind,
  definition,
  row: bytes,
  page: bytes,
});

function candidateOf(column: MeasuredColumn): Candidate {
  const { type, measure } = column;
  if (!measure.fits || type === 'TEXT') return textOf(column);
  switch (type) {
    case 'INTEGER':
      return fixed('BIGINT', 8);
    case 'NUMERIC':
      return decimalOf(column);
    case 'REAL':
      return fixed('DOUBLE', 8);
    case 'BOOLEAN':
      return fixed('TINYINT(1)', 1);
    case 'DATE':
      return fixed('DATE', 3);
    case 'TIMESTAMP':
      return fixed('DATETIME(6)', 8, 'timestamp');
    default:
      return textOf(column);
  }
}

/** MySQL’s maximum number of digits in a DECIMAL, and of digits after its decimal point. */
const [MOST_DIGITS, MOST_SCALE] = [65, 30];

function decimalOf(column: MeasuredColumn): Candidate {
  const { digits, scale } = column.measure;
  if (digits + scale > MOST_DIGITS || scale > MOST_SCALE) return textOf(column);
  return fixed(`DECIMAL(${Math.max(1, digits + scale)},${scale})`, 30);
}

/**
 * The longest text, in characters, that becomes a VARCHAR; longer texts become a TEXT type, stored
 * off-page.
 */
const LONGEST = 4000;

function textOf({ measure }: MeasuredColumn, bytesEach = UTF8_BYTES, charset = ''): Candidate {
  const characters = Math.max(1, measure.characters);
  if (characters > LONGEST) return apartOf(measure.bytes);
  const bytes = characters * bytesEach;
  return {
    kind: 'text',
    definition: `VARCHAR(${characters})${charset}`,
    row: bytes + 2,
    page: bytes < MAY_BE_APART ? bytes + 1 : APART.page,
  };
}

const isText = ({ type, measure }: MeasuredColumn) =>
  candidateOf({ name: '', type, measure }).kind === 'text';

const inAscii = (column: MeasuredColumn): Candidate | null =>
  isText(column) && column.measure.isAscii
    ? textOf(column, 1, ' CHARACTER SET ascii COLLATE ascii_bin')
    : null;

const apart = (column: MeasuredColumn): Candidate | null =>
  isText(column) ? apartOf(column.measure.bytes) : null;

const apartOf = (bytes: number): Candidate => ({
  kind: 'text',
  definition: bytes <= 65_535 ? 'TEXT' : bytes <= 16_777_215 ? 'MEDIUMTEXT' : 'LONGTEXT',
  ...APART,
});

/** Converts a cell to the value that is inserted into a column of this type. */
export function sqlValue(cell: Cell, { kind }: SqlType): Cell {
  if (cell === null) return null;
  if (kind === 'text') return String(cell);
  if (kind === 'timestamp') return String(cell).replace('T', ' ').replace('Z', '');
  // The MySQL driver would write the number -0 as 0, so -0 is passed as a text.
  return Object.is(cell, -0) ? '-0' : cell;
}
