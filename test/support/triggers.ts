// MySQL triggers that act like another program at the destination: they change a value that is written, or refuse it.
import { createConnection } from 'mysql2/promise';
import { first, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { servers } from './world.ts';

/**
 * Creates a trigger as the administrator, because a MySQL server with a binary log lets only the administrator create
 * triggers, unless `log_bin_trust_function_creators` is set. The trigger runs with the SQL mode `mode`. The owner of
 * the tables may drop the trigger.
 */
export async function createTrigger(here: App, name: string, text: string, mode?: string) {
  const at = await first<{ name: string }>(here.sql, sql`select database() as name`);
  const { href } = new URL(`/${at?.name}`, servers().mysql);
  const root = await createConnection({ uri: href, charset: 'utf8mb4' });
  try {
    if (mode !== undefined) await root.query('set session sql_mode = ?', [mode]);
    await root.query(`create trigger \`${name}\` ${text}`);
  } finally {
    await root.end();
  }
}
