// What is known of a data file after it was examined: how its bytes become rows. Loading obeys it.
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

/** The forms in which a type may be written; null is the plain one. Timestamps are instants (UTC) or local. */
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
  /** The cell of each record that a column takes; cells in no column are empty throughout. */
  positions: z.array(z.number().int().nonnegative()),
  /** The number of cells that a record must have. */
  width: z.number().int().positive(),
  fillShortRows: z.boolean(),
  ignoreEmptySurplus: z.boolean(),
});
export type Reading = z.infer<typeof readingSchema>;

/** The types of columns by name. A record of zod would leave out a column called `__proto__`. */
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
/** What a person chose; the rest is proposed. */
export type Choices = z.infer<typeof choicesSchema>;

export type RejectReason = 'cells' | 'quotes' | 'nul' | 'too-long' | 'type';

/** A line that becomes no row: text is a sentence for people, excerpt the first characters of the line or cell. */
export type Reject = {
  line: number;
  column: string | null;
  reason: RejectReason;
  text: string;
  excerpt: string;
};

/**
 * Every line is in exactly one of above, header, rows, rejects, empty and continued. A record that spans lines is
 * counted once, at the line where it begins; its other lines are continued.
 */
export type Counts = {
  lines: number;
  above: number;
  header: number;
  rows: number;
  rejects: number;
  empty: number;
  continued: number;
  /** Rows with a quote inside an unquoted cell. They are kept. */
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

/** The error when a file cannot be read as it is; the message says what to do. */
export class Unreadable extends Problem {
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, message: string, options?: ErrorOptions) {
    super(422, message, options);
    this.reason = reason;
  }
}
