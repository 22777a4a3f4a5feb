// Ids come from a sequence of the environment's own and are never given out twice.
import type { Pool } from 'mysql2/promise';
import { first, run, sql, transaction } from '../database/sql.ts';
import { rung, type EnvironmentName } from './ladder.ts';

type Where = { name: EnvironmentName; sql: Pool };

/** Draws `count` ids in a row and answers the first. */
export async function drawIds(where: Where, entity: string, count = 1): Promise<number> {
  const { from, to } = rung(where.name).ids;
  return transaction(where.sql, async (connection) => {
    await run(
      connection,
      sql`insert ignore into id_sequence (entity, next) values (${entity}, ${from})`,
    );
    const line = await first<{ next: number }>(
      connection,
      sql`select next from id_sequence where entity = ${entity} for update`,
    );
    const next = Math.max(line?.next ?? from, from);
    if (next + count - 1 > to) throw new Error(`No ids are left for ${entity} in ${where.name}`);
    await run(
      connection,
      sql`update id_sequence set next = ${next + count} where entity = ${entity}`,
    );
    return next;
  });
}

/** Lifts the sequence above ids that came from elsewhere; ids of another environment's range do not count. */
export async function raiseIds(where: Where, entity: string, ids: number[]) {
  const { from, to } = rung(where.name).ids;
  const highest = Math.max(from - 1, ...ids.filter((id) => id >= from && id <= to));
  await run(
    where.sql,
    sql`insert into id_sequence (entity, next) values (${entity}, ${highest + 1})
        on duplicate key update next = greatest(next, ${highest + 1})`,
  );
}
