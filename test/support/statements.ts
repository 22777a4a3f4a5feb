// Counts SQL statements, which is more exact than measuring time.
import { statements } from '../../src/database/sql.ts';

export async function statementsOf(work: () => PromiseLike<unknown>): Promise<number> {
  let count = 0;
  const counted = () => (count += 1);
  statements.subscribe(counted);
  try {
    await work();
  } finally {
    statements.unsubscribe(counted);
  }
  return count;
}
