// Streams the rows of a statement one by one, as the server sends them.
import type { Readable } from 'node:stream';
import type { Connection } from 'mysql2';
import type { PoolConnection } from 'mysql2/promise';
import { statements, type Statement } from './sql.ts';
import { timeouts } from './timeouts.ts';

/**
 * Yields the bytes of each row of a statement with one column; null for NULL. The connection can run no other statement
 * until the last row, and is closed when the server is silent for too long.
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
  // While a received row waits, the reader of this stream is slow, and not the server. So the timeout counts only while
  // no row waits.
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
