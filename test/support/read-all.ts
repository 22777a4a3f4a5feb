// Reads all messages of an account that is migrated from Conversations (the older system), page by page.
import type { RawRecord, Reader, ReadRange } from '../../src/account-moves/reader.ts';

export async function readAll(reader: Reader, range: ReadRange): Promise<RawRecord[]> {
  const found: RawRecord[] = [];
  let { after = null } = range;
  do {
    const { items, next } = await reader.messages({ ...range, after });
    found.push(...items);
    after = next;
  } while (after !== null);
  return found;
}
