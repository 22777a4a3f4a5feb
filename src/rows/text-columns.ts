// Text columns in SQL. Other programs leave columns in other character sets, which cannot be compared or ordered with
// ours as they are; and MariaDB and MySQL have other names for the same order.
import { name, select, sql, Statement, type Queryable } from '../database/sql.ts';

/** A text column, whatever its character set, compared by character. */
export const textColumn = (column: string): Statement =>
  sql`convert(${name(column)} using utf8mb4) collate utf8mb4_bin`;

/** For `order by` and `in`: `ignored` accents, too, or only case, width and invisible characters. */
export async function collated(
  on: Queryable,
  column: string,
  ignored: keyof typeof collations,
): Promise<Statement> {
  const chosen = new Statement(await collationOf(on, ignored), []);
  return sql`convert(${name(column)} using utf8mb4) collate ${chosen}`;
}

/** By preference; MariaDB lists its own without the character set. */
const collations = {
  accents: ['uca1400_ai_ci', 'utf8mb4_0900_ai_ci', 'utf8mb4_unicode_520_ci'],
  case: ['uca1400_as_ci', 'utf8mb4_0900_as_ci', 'utf8mb4_unicode_520_ci'],
};

const known = new WeakMap<Queryable, Promise<Set<string>>>();

async function collationOf(on: Queryable, ignored: keyof typeof collations): Promise<string> {
  const asked = known.get(on) ?? collationsOf(on);
  known.set(on, asked);
  asked.catch(() => known.delete(on));
  const names = await asked;
  const found = collations[ignored].find((one) => names.has(one)) ?? 'utf8mb4_unicode_520_ci';
  return found.startsWith('uca') ? `utf8mb4_${found}` : found;
}

async function collationsOf(on: Queryable): Promise<Set<string>> {
  const wanted = Object.values(collations).flat();
  const lines = await select<{ name: string }>(
    on,
    sql`select collation_name as name from information_schema.collations
         where collation_name in (${wanted})`,
  );
  return new Set(lines.map((line) => line.name));
}
