// Writes threads and messages of an inbox into the database, as an account migration writes them.
import { run, sql, type Queryable } from '../../src/database/sql.ts';

type WrittenThread = { id: string; title?: string; customer?: string; last_at?: string };

/** Adds threads to an account. */
export async function addThreads(on: Queryable, account: number, threads: WrittenThread[]) {
  for (const { id, title = id, customer = '', last_at: at = '2026-11-20 10:00:00' } of threads) {
    await run(
      on,
      sql`insert into inbox_thread (account_id, id, channel_id, title, customer, last_at, run)
          values (${account}, ${id}, 'email', ${title}, ${customer}, ${at}, 1)`,
    );
  }
}

let written = 0;

/** Adds messages to a thread with timestamps one minute apart, and returns the positions of the messages. */
export async function addMessages(
  on: Queryable,
  account: number,
  thread: string,
  messages: { body?: string; author?: string }[],
): Promise<string[]> {
  const positions: string[] = [];
  for (const [minute, { body = '', author = 'Rita' }] of messages.entries()) {
    written += 1;
    const at = new Date(Date.UTC(2026, 10, 20, 10, minute)).toISOString();
    const position = `${at}#m${written}`;
    await run(
      on,
      sql`insert into inbox_message (account_id, position, thread_id, direction, author, body, run)
          values (${account}, ${position}, ${thread}, 'in', ${author}, ${body}, 1)`,
    );
    positions.push(position);
  }
  return positions;
}
