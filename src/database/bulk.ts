// Writes many rows with few statements. Long lists of rows are split, because max_allowed_packet limits a statement.
import { escape, format } from 'mysql2/promise';
import { join, name, runText, sql, Statement, type Queryable } from './sql.ts';

/**
 * A statement is sent as soon as it is longer than this many UTF-16 units. At three bytes per unit, a statement stays
 * below the 4 MB that old servers accept, even if its last row is long.
 */
const LENGTH = 250_000;
const LINES = 1000;

type Cell = string | number | boolean | Buffer | null;
/** The values of one row, in the order of the columns. A line and its values must not be changed once they are given. */
export type Line = readonly Cell[];
/**
 * A row to write: column names with their values. All rows of one call must have the same columns.
 */
export type Columns = Record<string, Cell>;

/** Inserts rows, given as objects whose keys are column names. */
export const insertRows = (
  on: Queryable,
  table: string,
  rows: Columns[],
  end?: Statement,
  columns = Object.keys(rows[0] ?? {}),
) =>
  insertLines(
    on,
    sql`insert into ${name(table)} (${join(columns.map(name), ', ')}) values`,
    rows.values().map((row) => columns.map((column) => row[column] ?? null)),
    end,
  );

/**
 * Inserts rows; if a row with the same values in the columns `key` exists, its other columns are overwritten. `columns`:
 * the columns that are written.
 */
export const upsertRows = (
  on: Queryable,
  table: string,
  key: string[],
  rows: Columns[],
  columns = Object.keys(rows[0] ?? {}),
) => {
  const others = columns.filter((column) => !key.includes(column));
  const assignments = others.map((column) => sql`${name(column)} = values(${name(column)})`);
  const end = sql`on duplicate key update ${join(assignments, ', ')}`;
  return insertRows(on, table, rows, end, columns);
};

/**
 * Runs `insert into … (…) values` with many rows, followed by `end`, such as `on duplicate key
 * update …`.
 */
export const insertLines = (
  on: Queryable,
  head: Statement,
  lines: Iterable<Line>,
  end = new Statement('', []),
) => inStatements(on, { head, end, separator: ',' }, lines, (values) => `(${values.join(',')})`);

/** Escapes quotes and backslashes, so that a text can stand between quotes in an SQL statement. */
export const escaped = (text: string): string => text.replaceAll(/['\\]/g, String.raw`\$&`);

/**
 * Inserts rows that are already written as SQL, such as `(1,'a'),(2,'b')`. Each text in `texts`
 * becomes one statement.
 */
export async function insertTexts(on: Queryable, head: Statement, texts: Iterable<string>) {
  const published = new Statement(`${head.text} …`, []);
  for (const text of texts) await runText(on, published, `${head.text} ${text}`);
}

/** Rows to update: `columns` names the values of a line, beginning with `id`; `set` assigns columns of `given` to `target`. */
type Update = { table: string; columns: string[]; set: Statement };

/**
 * Updates rows of a table with a join to a derived table `given` of the lines. A line has the id of a row and its values.
 *
 * The join begins with the rows, which are found by their ids. If it began with the lines, MariaDB would first collect
 * the matches in a temporary table, and take a third longer.
 */
export const updateFromLines = (
  on: Queryable,
  { table, columns, set }: Update,
  lines: Iterable<Line>,
) => {
  const head = sql`update ${name(table)} target force index (primary) straight_join (`;
  const end = sql`) given on given.id = target.id set ${set}`;
  let ids: string[] = [];
  const where = () => ` where target.id in (${ids.join(',')})`;
  const frame = { head, end, where, separator: ' union all ', maxLines: LINES_OF_UPDATE };
  return inStatements(on, frame, lines, (values, isFirst) => {
    if (isFirst) ids = [];
    ids.push(String(values[0]));
    const cells = values.map(asLongText);
    const named = cells.map((cell, index) => `${cell} as \`${columns[index]}\``);
    return `select ${(isFirst ? named : cells).join(',')}`;
  });
};

/**
 * The most rows of an UPDATE. The server compares each row with each line, and MariaDB would read the whole table if the
 * list had 1,000 ids.
 */
const LINES_OF_UPDATE = 500;

/**
 * Casts long texts: in a union, MariaDB 11.4 truncates texts of 64 KiB and more that are not cast,
 * in whichever SELECT of the union they are.
 */
const asLongText = (value: string) =>
  value.startsWith("'") && value.length > UNCAST ? `cast(${value} as char)` : value;

/**
 * The longest text, in UTF-16 units, that needs no cast: at no more than three bytes a unit, it
 * stays below 64 KiB.
 */
const UNCAST = 20_000;

/** `where`: SQL after `end` that selects the rows of the lines of one statement. `maxLines`: the most lines of a statement. */
type Frame = {
  head: Statement;
  end: Statement;
  separator: string;
  where?: () => string;
  maxLines?: number;
};

async function inStatements(
  on: Queryable,
  { head, end, separator, where = () => '', maxLines = LINES }: Frame,
  lines: Iterable<Line>,
  write: (values: string[], isFirst: boolean) => string,
) {
  const published = new Statement(`${head.text} … ${end.text}`, [...head.values, ...end.values]);
  const [before, after] = [head, end].map(({ text, values }) =>
    format(text, values as Parameters<typeof format>[1]),
  );
  let text = '';
  let count = 0;
  let underWay: Promise<unknown> = Promise.resolve();
  // The next statement is built while the server executes the current one.
  const send = async () => {
    await underWay;
    underWay = runText(on, published, `${before} ${text} ${after}${where()}`);
    // The promise is awaited later. Without this handler, a rejection before that would end the
    // process.
    underWay.catch(() => {});
    text = '';
    count = 0;
  };
  // Many columns have the same value in all lines, such as the transfer. A value like that of the line before is not
  // escaped again.
  let last: Line = [];
  let values: string[] = [];
  for (const line of lines) {
    values = line.map((cell, index) => {
      const known = cell === last[index] ? values[index] : undefined;
      return known ?? escape(cell);
    });
    last = line;
    text += (text && separator) + write(values, text === '');
    count += 1;
    if (text.length > LENGTH || count === maxLines) await send();
  }
  if (text !== '') await send();
  await underWay;
}
