// Many lines in as few statements as a server takes: cut by length, because max_allowed_packet bounds a statement.
import { escape, format } from 'mysql2/promise';
import { runText, Statement, type Queryable } from './sql.ts';

/** UTF-16 units of a statement: three bytes each at most, and one more line, below the 4 MB that old servers take. */
const LENGTH = 250_000;
const LINES = 1000;

/** Values of one line, in the order of the columns. */
export type Line = readonly (string | number | boolean | null)[];

/** `insert into … (…) values` lines, and what comes after them. */
export const insertLines = (
  on: Queryable,
  head: Statement,
  lines: Iterable<Line>,
  end = new Statement('', []),
) => inStatements(on, { head, end, separator: ',' }, lines, (values) => `(${values.join(',')})`);

/** `update table … join (lines as a derived table with these columns) given …` */
export const updateFromLines = (
  on: Queryable,
  { head, columns, end }: { head: Statement; columns: string[]; end: Statement },
  lines: Iterable<Line>,
) =>
  inStatements(on, { head, end, separator: ' union all ' }, lines, (values, isFirst) =>
    isFirst ? `select ${named(values, columns)}` : `select ${values.join(',')}`,
  );

/** Only the first line of a union names its columns. */
const named = (values: string[], columns: string[]) =>
  values.map((value, index) => `${value} as \`${columns[index]}\``).join(',');

type Frame = { head: Statement; end: Statement; separator: string };

async function inStatements(
  on: Queryable,
  { head, end, separator }: Frame,
  lines: Iterable<Line>,
  write: (values: string[], isFirst: boolean) => string,
) {
  const spoken = new Statement(`${head.text} … ${end.text}`, [...head.values, ...end.values]);
  const [before, after] = [head, end].map(({ text, values }) =>
    format(text, values as Parameters<typeof format>[1]),
  );
  let text = '';
  let count = 0;
  let underWay: Promise<unknown> = Promise.resolve();
  // While the server works on one statement, the next is written.
  const send = async () => {
    await underWay;
    underWay = runText(on, spoken, `${before} ${text} ${after}`);
    // Whoever waits for it is told.
    underWay.catch(() => {});
    text = '';
    count = 0;
  };
  for (const line of lines) {
    const values = line.map((value) => escape(value));
    text += (text && separator) + write(values, text === '');
    count += 1;
    if (text.length > LENGTH || count === LINES) await send();
  }
  if (text !== '') await send();
  await underWay;
}
