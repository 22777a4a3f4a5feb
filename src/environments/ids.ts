// Assigns the ids of new rows: each environment has a sequence of its own for every entity, and no id is used twice.
import type { Pool } from 'mysql2/promise';
import { run, runForId, sql } from '../database/sql.ts';
import type { EnvironmentRules } from './rules.ts';

type Where = { rules: EnvironmentRules; sql: Pool };

/**
 * Takes the next `count` ids of a sequence; returns the first. It is one statement, so that two callers never get the
 * same ids.
 */
export async function drawIds(where: Where, entity: string, count = 1): Promise<number> {
  const { from, to } = where.rules.ids;
  const next = await runForId(
    where.sql,
    sql`insert into id_sequence (entity, next) values (${entity}, ${from + count})
        on duplicate key update next = last_insert_id(greatest(next, ${from})) + ${count}`,
  );
  const first = next || from;
  if (first + count - 1 > to)
    throw new Error(`No ids are left for ${entity} in ${where.rules.inText}`);
  return first;
}

/**
 * Raises a sequence of ids above those of rows that came from other environments, so that they are not assigned again.
 * Ids within the range of another environment are ignored.
 */
export async function raiseIds(where: Where, entity: string, ids: number[]) {
  const { from, to } = where.rules.ids;
  const highest = Math.max(from - 1, ...ids.filter((id) => id >= from && id <= to));
  await run(
    where.sql,
    sql`insert into id_sequence (entity, next) values (${entity}, ${highest + 1})
        on duplicate key update next = greatest(next, ${highest + 1})`,
  );
}
