// Records all statements that a MySQL server receives from any program, with the general log of the server.
import type { Server } from './ground.ts';

/** Returns the statements that the server receives while `work` runs, in order and with their values filled in. */
export async function heard({ ask }: Server, work: () => Promise<unknown>): Promise<string[]> {
  await ask.query("SET GLOBAL log_output = 'TABLE'");
  await ask.query('TRUNCATE mysql.general_log');
  await ask.query('SET GLOBAL general_log = ON');
  try {
    await work();
  } finally {
    await ask.query('SET GLOBAL general_log = OFF');
  }
  const [lines] = await ask.query(
    `SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log
      WHERE command_type IN ('Query', 'Execute') AND thread_id <> CONNECTION_ID()
      ORDER BY event_time`,
  );
  return (lines as { text: string }[]).map(({ text }) => text.replaceAll(/\s+/g, ' ').trim());
}
