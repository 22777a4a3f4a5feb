// Finds messages of one account by their text. There is no full-text index, because updating it would take as long as
// writing the messages, while searching 10,000 messages without it takes 55 ms. One request searches at most 10,000
// messages.
import { select, sql, type Queryable } from '../database/sql.ts';
import { pageOf, PAGE, partsOf, type InboxPage } from './places.ts';

/** How many messages are searched for one page of results. */
export const SEARCHED = 10_000;

/**
 * A message that contains the searched text. `title`: the title of its thread; null if the thread has not been
 * migrated.
 */
export type FoundMessage = {
  position: string;
  thread_id: string;
  title: string | null;
  author: string;
  body: string;
  sent_at: string;
  gone_at: string | null;
};

/**
 * The found messages of one request. `isCut`: whether the request stopped because it had searched 10,000 messages.
 * Messages that are older than the position `next` are then not searched yet.
 */
export type FoundMessages = InboxPage<FoundMessage> & { isCut: boolean };

/**
 * SQL condition for a column that contains a text, ignoring case and accents. % and _ are taken
 * literally.
 */
export const contains = (text: string) =>
  sql`collate utf8mb4_unicode_ci like ${`%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`}`;

/**
 * Reads a page of an account’s messages that contain a text, newest first. Searches only the newest
 * 10,000 messages before the position `before`.
 */
export async function searchMessages(
  on: Queryable,
  account: number,
  { search, before = null }: { search: string; before?: string | null },
): Promise<FoundMessages> {
  const earlier = before === null ? sql`` : sql`and message.position < ${before}`;
  const [oldest, older] = await select<{ position: string }>(
    on,
    sql`select message.position from inbox_message message
         where message.account_id = ${account} ${earlier}
         order by message.position desc
         limit 2 offset ${SEARCHED - 1}`,
  );
  const rows = await select<Omit<FoundMessage, 'sent_at'>>(
    on,
    sql`select message.position, message.thread_id, thread.title, message.author, message.body, message.gone_at
          from inbox_message message
          left join inbox_thread thread
            on thread.account_id = message.account_id and thread.id = message.thread_id
         where message.account_id = ${account} ${earlier}
           ${oldest ? sql`and message.position >= ${oldest.position}` : sql``}
           and message.body ${contains(search)}
         order by message.position desc
         limit ${PAGE + 1}`,
  );
  const found = rows.map((row) => ({ ...row, sent_at: partsOf(row.position)?.at ?? '' }));
  const page = pageOf(found, ({ position }) => position);
  const isCut = page.next === null && older !== undefined;
  return { ...page, next: isCut ? (oldest?.position ?? null) : page.next, isCut };
}
