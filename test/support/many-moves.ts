// Adds 100,000 accounts with their migrations, all in one wave (a migration of many accounts), and counts the rows that
// a query about them reads.
import type { Pool, PoolConnection } from 'mysql2/promise';
import { run, select, sql } from '../../src/database/sql.ts';

/** Counts the rows that the queries of `ask` read from tables and indexes. */
export async function rowsRead(
  on: Pool,
  ask: (connection: PoolConnection) => Promise<unknown>,
): Promise<number> {
  const connection = await on.getConnection();
  const counted = async () => {
    const lines = await select<{ Variable_name: string; Value: string }>(
      connection,
      sql`show session status where Variable_name in
          ('Handler_read_key', 'Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd_next')`,
    );
    return lines.reduce((sum, { Value: value }) => sum + Number(value), 0);
  };
  try {
    const before = await counted();
    await ask(connection);
    return (await counted()) - before;
  } finally {
    connection.release();
  }
}

/** Adds 100,000 account migrations, of which one in a thousand failed. */
export async function addMany(on: Pool) {
  const digits = sql`(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4
                      union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)`;
  await run(
    on,
    sql`insert into inbox_account (external_id, name, created_at)
        select concat('many-', a.d, b.d, c.d, d.d, e.d), '', utc_timestamp(3)
          from ${digits} a, ${digits} b, ${digits} c, ${digits} d, ${digits} e`,
  );
  await run(
    on,
    sql`insert into account_move (account_id, migration_status, run, error_code)
        select id, if(external_id like '%777', 'failed', 'completed'), 1, if(external_id like '%777', 'throttled', null)
          from inbox_account`,
  );
  await run(
    on,
    sql`insert into wave (id, name, at_once, state, person, created_at)
        values (1, 'All', 2, 'done', 'mia@example.com', utc_timestamp(3))`,
  );
  await run(
    on,
    sql`insert into wave_account (wave_id, account_id, run) select 1, id, 1 from inbox_account`,
  );
  await run(on, sql`analyze table inbox_account, account_move, wave_account`).catch(() => {});
}
