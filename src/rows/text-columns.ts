// Text columns in SQL. Other programs leave columns in other character sets, which cannot be compared or ordered with
// ours as they are; and MariaDB and MySQL have other names for the same order.
import { nameKey } from '../catalog/name-key.ts';
import { name, sql, Statement } from '../database/sql.ts';

/** A text column, whatever its character set, compared by character. */
export const textColumn = (column: string): Statement =>
  sql`convert(${name(column)} using utf8mb4) collate utf8mb4_bin`;

/** For `order by`: neither case nor accents count. */
export const ordered = (column: string): Statement =>
  sql`convert(${name(column)} using utf8mb4) collate ${collation('ai_ci')}`;

/** MariaDB, from 10.10 on, and MySQL read only their own name of a collation; the other one is a comment to them. */
const collation = (sensitivity: 'ai_ci' | 'as_ci') =>
  new Statement(
    `/*!80000 utf8mb4_0900_${sensitivity} */ /*M!101001 utf8mb4_uca1400_nopad_${sensitivity} */`,
    [],
  );

/**
 * Whether a column has one of these names, as far as the server knows: neither case, width, invisible characters nor
 * spaces count. What it finds has to be compared by the rule for names.
 */
export function mayBeNamed(column: string, names: Iterable<string>): Statement {
  const packed = [...new Set([...names].flatMap((one) => [one, nameKey(one)]))].map((one) =>
    one.replaceAll(passedOver, ''),
  );
  const stored = sql`regexp_replace(${textColumn(column)}, ${PASSED_OVER}, '')`;
  return sql`${stored} collate ${collation('as_ci')} in (${packed})`;
}

/** Spaces, and fillers that nobody sees although collations give them a weight. */
const PASSED_OVER =
  '[\\t\\n\\x0B\\f\\r \u0085\u00A0\u115F\u1160\u1680\u17B4\u17B5\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\u3164\uFFA0]+';
const passedOver = new RegExp(PASSED_OVER, 'gu');
