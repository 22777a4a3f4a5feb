// Finds messages of one account by their text. There is no full-text index: writing it would take as long as writing
// the messages, and 10,000 messages of an account are searched in 55 ms.
import { select, sql, type Queryable } from '../database/sql.ts';
import { PAGE, pageOf, partsOf, type InboxPage } from './places.ts';

/** A message that contains a searched text, and the title of its thread; null while the thread is not here. */
export type FoundMessage = {
  position: string;
  thread_id: string;
  title: string | null;
  author: string;
  body: string;
  sent_at: string;
  gone_at: string | null;
};

/** Reads a page of an account’s messages that contain a text, newest first. `before`: the position it ends before. */
export async function searchMessages(
  on: Queryable,
  account: number,
  { search, before = null }: { search: string; before?: string | null },
): Promise<InboxPage<FoundMessage>> {
  const pattern = `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const rows = await select<Omit<FoundMessage, 'sent_at'>>(
    on,
    sql`select message.position, message.thread_id, thread.title, message.author, message.body, message.gone_at
          from inbox_message message
          left join inbox_thread thread
            on thread.account_id = message.account_id and thread.id = message.thread_id
         where message.account_id = ${account} and (${before} is null or message.position < ${before})
           and message.body collate utf8mb4_unicode_ci like ${pattern}
         order by message.position desc
         limit ${PAGE + 1}`,
  );
  const found = rows.map((row) => ({ ...row, sent_at: partsOf(row.position)?.at ?? '' }));
  return pageOf(found, ({ position }) => position);
}
