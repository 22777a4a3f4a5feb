// Checks that a table’s backup file contains nothing but INSERT statements for that table.
import { Invalid } from '../problems.ts';

export type InsertStatement = { text: string; rows: number };

const END = Buffer.from(';\n');

/**
 * Yields the INSERT statements of a file, each with its number of rows.
 * @throws Invalid when the file contains anything else
 */
export async function* statementsIn(
  parts: AsyncIterable<Uint8Array>,
  table: string,
): AsyncGenerator<InsertStatement> {
  for await (const text of texts(parts)) {
    if (text === 'SET NAMES utf8mb4;\n') continue;
    if (!text.startsWith(`INSERT INTO \`${table}\` (`)) {
      throw new Invalid({ file: `The file of ${table} has other statements than rows of it.` });
    }
    // Line breaks inside values are escaped, so the first line of a statement is the INSERT clause,
    // and every other line is a row.
    yield { text, rows: text.split('\n').length - 2 };
  }
}

/** Yields the statements of a file; a statement ends with a line that ends with a semicolon. */
async function* texts(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const part of parts) {
    const from = Math.max(0, rest.length - 1);
    rest = Buffer.concat([rest, part]);
    let begin = 0;
    for (let end = rest.indexOf(END, from); end !== -1; end = rest.indexOf(END, begin)) {
      yield rest.toString('utf8', begin, end + END.length);
      begin = end + END.length;
    }
    rest = rest.subarray(begin);
  }
  if (rest.length > 0) throw new Invalid({ file: 'The file ends within a statement.' });
}
