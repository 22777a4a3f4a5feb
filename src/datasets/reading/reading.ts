// The reading of a data file: the rules by which its bytes become rows. The examination of the file (the first pass
// over it) proposes a reading, and the load of the file follows the reading.
import { z } from 'zod';
import { Problem } from '../../problems.ts';

export const columnTypes = [
  'integer',
  'numeric',
  'real',
  'boolean',
  'date',
  'timestamp',
  'text',
] as const;
export type ColumnType = (typeof columnTypes)[number];

/**
 * For each column type, the formats in which a file may write its values; null is the standard format. A timestamp is
 * in UTC, or a local time without a zone.
 */
export const formatsOf: Record<ColumnType, readonly (string | null)[]> = {
  integer: [null],
  numeric: [null, '1,234.5', '1.234,5'],
  real: [null],
  boolean: [null],
  date: [null, 'd/m/y', 'm/d/y'],
  timestamp: ['UTC', 'local'],
  text: [null],
};

const typeSchema = z
  .object({ type: z.enum(columnTypes), format: z.string().nullable() })
  .refine(({ type, format }) => formatsOf[type].includes(format), {
    message: 'Choose one of the formats of this type.',
  });

export const columnSchema = z.intersection(z.object({ name: z.string() }), typeSchema);
export type Column = { name: string; type: ColumnType; format: string | null };

const compressions = ['none', 'gzip', 'zip'] as const;

export const readingSchema = z.object({
  compression: z.enum(compressions),
  encoding: z.string(),
  delimiter: z.string().length(1),
  headerLine: z.number().int().positive().nullable(),
  columns: z.array(columnSchema),
  /**
   * For each column, the index of its cell within a record. Columns that are empty in the whole
   * file and have no name are left out.
   */
  positions: z.array(z.number().int().nonnegative()),
  /** The number of cells that a record must have. */
  width: z.number().int().positive(),
  fillShortRows: z.boolean(),
  ignoreEmptySurplus: z.boolean(),
});
export type Reading = z.infer<typeof readingSchema>;

/**
 * The chosen types, by the name of the column. They are validated as a list of name and type, because z.record would
 * drop a column called `__proto__`.
 */
const typesSchema = z
  .preprocess(
    (types) => (typeof types === 'object' && types !== null ? Object.entries(types) : types),
    z.array(z.tuple([z.string(), typeSchema])),
  )
  .transform((types) => Object.fromEntries(types));

export const choicesSchema = z
  .object({
    encoding: z.string(),
    delimiter: z.string().length(1),
    headerLine: z.number().int().positive().nullable(),
    types: typesSchema,
    fillShortRows: z.boolean(),
    ignoreEmptySurplus: z.boolean(),
  })
  .partial();
/**
 * The choices of a person about how to parse a file. What the person did not choose, the
 * examination proposes.
 */
export type Choices = z.infer<typeof choicesSchema>;

export type RejectReason = 'cells' | 'quotes' | 'nul' | 'too-long' | 'type';

/**
 * A rejected line. `text`: the reason, as a sentence for people; `excerpt`: the first characters of
 * the line or of the wrong cell.
 */
export type Reject = {
  line: number;
  column: string | null;
  reason: RejectReason;
  text: string;
  excerpt: string;
};

/**
 * Counts the lines of a file. Each line is in exactly one of above, header, rows, rejects, empty
 * and continued. A record that spans several lines is counted at its first line; its other lines
 * are continued.
 */
export type Counts = {
  lines: number;
  above: number;
  header: number;
  rows: number;
  rejects: number;
  empty: number;
  continued: number;
  /** Rows with a quote inside an unquoted cell. These rows are loaded. */
  strayQuotes: number;
};

export type UnreadableReason =
  | 'empty'
  | 'spreadsheet'
  | 'pdf'
  | 'html'
  | 'json'
  | 'archive'
  | 'many-files'
  | 'damaged'
  | 'too-large'
  | 'encoding'
  | 'header';

/** Thrown when a file cannot be parsed. The message says what a person can do. */
export class Unreadable extends Problem {
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, message: string, options?: ErrorOptions) {
    super(422, message, options);
    this.reason = reason;
  }
}
