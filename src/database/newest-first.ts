// Reads the lines of a table newest first: those of some people, between two instants, a part at a time.
import { sql, toSqlInstant, type Statement } from './sql.ts';

/** Which lines are read. Null matches everything, like a missing condition; an empty list of people matches nothing. */
export type WhoAndWhen = {
  /** E-mails. */
  people?: string[] | null;
  /** Lines from this instant on. */
  from?: string | null;
  /** Lines before this instant. */
  until?: string | null;
};

/** The condition of a query for the lines of these people between these instants. `person` and `at`: its columns. */
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

/** A part of a list: lines with ids below `before`, or the newest; as many as a page shows, if no limit is given. */
export type PartOf = { before?: number | null; limit?: number };

/** Reads all lines in parts. `read` reads the next part; `idOf` gives the id by which the lines are ordered. */
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
