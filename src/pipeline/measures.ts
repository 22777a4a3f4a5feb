// Measures the cells (values) of each column while the pages of a dataset are fetched: lengths, digits and forms. The
// SQL types of the table in the datasets database are chosen from these measures.
import { z } from 'zod';

export const cellSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
export type Cell = z.infer<typeof cellSchema>;

const measureSchema = z.object({
  /** Whether every cell has the form that its column’s type requires. */
  fits: z.boolean(),
  /**
   * The length of the longest cell in characters and in bytes of UTF-8, and whether all cells are
   * ASCII.
   */
  characters: z.number(),
  bytes: z.number(),
  isAscii: z.boolean(),
  /**
   * For exact numbers (NUMERIC): the maximum number of digits before and after the decimal point.
   */
  digits: z.number(),
  scale: z.number(),
});
/** The measures (such as the longest length) of a column’s cells. */
type Measure = z.infer<typeof measureSchema>;

const columnSchema = z.object({ name: z.string(), type: z.string(), measure: measureSchema });
/** A column of the dataset, with the measures of the cells fetched so far. */
export type MeasuredColumn = z.infer<typeof columnSchema>;
export const structureSchema = z.array(columnSchema);

const nothing: Measure = {
  fits: true,
  characters: 0,
  bytes: 0,
  isAscii: true,
  digits: 0,
  scale: 0,
};
export const unmeasured = (name: string, type: string): MeasuredColumn => ({
  name,
  type,
  measure: nothing,
});

/** Returns the measures of the columns, updated with the cells of one more page of rows. */
export const measured = (columns: MeasuredColumn[], rows: Cell[][]): MeasuredColumn[] =>
  columns.map(({ name, type, measure: before }, index) => {
    const measure = { ...before };
    for (const row of rows) add(measure, type, row[index] ?? null);
    return { name, type, measure };
  });

const NOT_ASCII = /[^\0-\x7f]/;
const forms: Record<string, RegExp> = {
  NUMERIC: /^-?\d*(?:\.\d*)?$/,
  DATE: /^(?!0000)\d{4}-\d\d-\d\d$/,
  TIMESTAMP: /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,6})?Z?$/,
};

function add(measure: Measure, type: string, cell: Cell) {
  if (cell === null) return;
  const text = String(cell);
  if (NOT_ASCII.test(text)) {
    measure.isAscii = false;
    measure.characters = Math.max(measure.characters, charactersOf(text));
    measure.bytes = Math.max(measure.bytes, Buffer.byteLength(text));
  } else {
    measure.characters = Math.max(measure.characters, text.length);
    measure.bytes = Math.max(measure.bytes, text.length);
  }
  if (!hasForm(type, cell)) measure.fits = false;
  if (type === 'NUMERIC') {
    const [whole = '', fraction = ''] = text.replace('-', '').split('.');
    measure.digits = Math.max(measure.digits, whole.replace(/^0+/, '').length);
    measure.scale = Math.max(measure.scale, fraction.length);
  }
}

/**
 * Counts characters as MySQL does: a character above U+FFFF is two units of a JavaScript string.
 */
function charactersOf(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00) count -= 1;
  }
  return count;
}

function hasForm(type: string, cell: Cell): boolean {
  switch (type) {
    case 'INTEGER':
      return Number.isSafeInteger(cell);
    case 'REAL':
      return typeof cell === 'number';
    case 'BOOLEAN':
      return typeof cell === 'boolean';
    case 'TEXT':
      return typeof cell === 'string';
    default:
      return typeof cell === 'string' && (forms[type]?.test(cell) ?? false);
  }
}
