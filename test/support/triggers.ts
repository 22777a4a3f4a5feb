// Triggers that act like another program at the destination: they store something else than was sent, or refuse it.
import { createConnection } from 'mysql2/promise';
import { first, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { servers } from './world.ts';

/**
 * Creates a trigger as the administrator: a MySQL server with a binary log lets nobody else create one, unless
 * `log_bin_trust_function_creators` is set. The trigger keeps `mode` as its SQL mode, and the owner of the tables may
 * drop it.
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
