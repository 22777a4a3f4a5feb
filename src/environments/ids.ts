// Assigns the ids of new rows. Each environment has its own sequence of ids for each entity, and no id is assigned
// twice.
import type { Pool } from 'mysql2/promise';
import { run, runForId, sql } from '../database/sql.ts';
import type { EnvironmentRules } from './rules.ts';

type Where = { rules: EnvironmentRules; sql: Pool };

/**
 * Takes the next `count` ids of an entity’s sequence; returns the first of them. A single statement
 * takes them, so that two callers never get the same id.
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
 * Raises an entity’s sequence above the ids of rows that came from other environments, so that
 * those ids are not assigned again. Ids in the range of another environment are ignored.
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
