// Builds SQL for text columns. Other programs create columns in other character sets, which SQL cannot compare or sort
// directly together with Oneway’s texts. Besides, MariaDB and MySQL have different names for the same collation.
import { nameKey } from '../catalog/name-key.ts';
import { name, sql, Statement } from '../database/sql.ts';

/** Returns SQL that compares a text column of any character set character by character. */
export const textColumn = (column: string): Statement =>
  sql`convert(${name(column)} using utf8mb4) collate utf8mb4_bin`;

/** Returns SQL that sorts by a text column, ignoring case and accents. */
export const ordered = (column: string): Statement =>
  sql`convert(${name(column)} using utf8mb4) collate ${collation('ai_ci')}`;

/**
 * Returns the name of a collation, in SQL that MariaDB and MySQL both understand. MariaDB (from
 * 10.10) and MySQL have different names for this collation; each name is in a version comment that
 * the other server skips.
 */
const collation = (sensitivity: 'ai_ci' | 'as_ci') =>
  new Statement(
    `/*!80000 utf8mb4_0900_${sensitivity} */ /*M!101001 utf8mb4_uca1400_nopad_${sensitivity} */`,
    [],
  );

/**
 * Returns an SQL condition for rows whose column may have one of these names, ignoring case, full-width spellings (`Ａ`
 * for `A`), invisible characters and spaces. The condition may match too many rows, so the caller must compare the
 * names by the rule in catalog/name-key.ts.
 */
export function mayBeNamed(column: string, names: Iterable<string>): Statement {
  const packed = [...new Set([...names].flatMap((one) => [one, nameKey(one)]))].map((one) =>
    one.replaceAll(passedOver, ''),
  );
  const stored = sql`regexp_replace(${textColumn(column)}, ${PASSED_OVER}, '')`;
  return sql`${stored} collate ${collation('as_ci')} in (${packed})`;
}

/** Spaces, and invisible characters that collations do not ignore. */
const PASSED_OVER =
  '[\\t\\n\\x0B\\f\\r \u0085\u00A0\u115F\u1160\u1680\u17B4\u17B5\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\u3164\uFFA0]+';
const passedOver = new RegExp(PASSED_OVER, 'gu');
