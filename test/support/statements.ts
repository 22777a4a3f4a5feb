// Counts SQL statements, which is more exact than measuring time.
import { byPrimaryKey, sql, statements, type Statement } from '../../src/database/sql.ts';

/**
 * Whether a statement renews the lease of a running transfer. Such statements are not counted, because their number
 * depends on the elapsed time and not on the work.
 */
const isRenewal = (statement: unknown) => (statement as Statement).text.startsWith(RENEWAL);

const RENEWAL = sql`update ${byPrimaryKey('transfer')} set lease_until = `.text;

export async function statementsOf(work: () => PromiseLike<unknown>): Promise<number> {
  let count = 0;
  const counted = (statement: unknown) => void (count += isRenewal(statement) ? 0 : 1);
  statements.subscribe(counted);
  try {
    await work();
  } finally {
    statements.unsubscribe(counted);
  }
  return count;
}
