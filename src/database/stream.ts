// Streams the rows of a statement one by one, as the server sends them.
import type { Readable } from 'node:stream';
import type { Connection } from 'mysql2';
import type { PoolConnection } from 'mysql2/promise';
import { statements, type Statement } from './sql.ts';
import { timeouts } from './timeouts.ts';

/**
 * Yields the bytes of the only column of each row; null for NULL. The connection is busy until the last row; it is
 * closed when the server is silent for too long.
 */
export async function* streamBytes(
  on: PoolConnection,
  statement: Statement,
): AsyncGenerator<Buffer | null> {
  statements.publish(statement);
  const { connection } = on as unknown as { connection: Connection };
  const rows = connection
    .query({ sql: statement.text, values: statement.values, rowsAsArray: true, typeCast: false })
    .stream({ highWaterMark: 1000 }) as Readable & AsyncIterable<[Buffer | null]>;
  let lastAt = Date.now();
  // While the reader is slow, rows wait to be read, so the timeout counts only while none waits.
  const watch = setInterval(() => {
    if (rows.readableLength === 0 && Date.now() - lastAt > timeouts.statement) on.destroy();
  }, 1000);
  try {
    for await (const [bytes] of rows) {
      lastAt = Date.now();
      yield bytes;
    }
  } finally {
    clearInterval(watch);
  }
}
