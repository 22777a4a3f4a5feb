// Reads the entries of a list, such as the audit log, newest first and in parts. The entries can be restricted to some
// people and to a time span.
import { sql, toSqlInstant, type Statement } from './sql.ts';

/**
 * Which entries are read. Null matches everything, like a missing condition; an empty list of people matches nothing.
 */
export type WhoAndWhen = {
  /** The e-mails of the people whose entries are read. */
  people?: string[] | null;
  /** Reads only entries from this instant on. */
  from?: string | null;
  /** Reads only entries before this instant. */
  until?: string | null;
};

/**
 * Returns the condition of a query for the entries of these people in this time span. `person` and `at`: the columns of
 * the table that hold the e-mail and the time.
 */
export const isByAndAt = (
  { people = null, from = null, until = null }: WhoAndWhen,
  { person, at }: { person: Statement; at: Statement },
): Statement =>
  sql`(${people === null} or ${person} in (${people === null || people.length === 0 ? [''] : people}))
      and (${from} is null or ${at} >= ${from && toSqlInstant(from)})
      and (${until} is null or ${at} < ${until && toSqlInstant(until)})`;

const PART = 1000;

/** How many entries a page of a list shows. */
export const LINES = 50;

/**
 * Which part of a list is read: the newest entries with ids below `before`, or the newest of all. Without `limit`, one
 * page is read.
 */
export type PartOf = { before?: number | null; limit?: number };

/** Reads all entries in parts. `read` reads the next part; `idOf` returns the id by which the entries are ordered. */
export async function* inParts<T>(
  read: (part: PartOf) => Promise<T[]>,
  idOf: (line: T) => number,
): AsyncGenerator<T[]> {
  let before: number | null = null;
  for (;;) {
    const lines: T[] = await read({ before, limit: PART });
    const last = lines.at(-1);
    if (last) yield lines;
    if (!last || lines.length < PART) return;
    before = idOf(last);
  }
}
