// Reads the messages of a thread, newest first, with their attachments.
import { first, select, sql, type Queryable } from '../database/sql.ts';
import { attachmentsOf, type Attachment } from './attachments.ts';
import { PAGE, pageOf, partsOf, type InboxPage } from './places.ts';

type StoredMessage = {
  /** The position of the message in the inbox: its time and its id, such as `2026-11-20T10:11:12.123Z#m1`. */
  position: string;
  thread_id: string;
  direction: 'in' | 'out';
  author: string;
  body: string;
  /**
   * When a migration of the account noticed that the message was deleted in the older system Conversations; null if the
   * message still exists in Conversations.
   */
  gone_at: string | null;
};

export type InboxMessage = StoredMessage & {
  id: string;
  sent_at: string;
  attachments: Attachment[];
};

/**
 * Reads a page of a thread’s messages, newest first. `before`: only messages before this position.
 * The index is forced, because MySQL may otherwise read all messages of the account to fill a short
 * page.
 */
export async function pageOfMessages(
  on: Queryable,
  account: number,
  { thread, before = null }: { thread: string; before?: string | null },
): Promise<InboxPage<InboxMessage>> {
  const earlier = before === null ? sql`` : sql` and position < ${before}`;
  const rows = await select<StoredMessage>(
    on,
    sql`select position, thread_id, direction, author, body, gone_at
          from inbox_message force index (inbox_message_thread)
         where account_id = ${account} and thread_id = ${thread}${earlier}
         order by position desc
         limit ${PAGE + 1}`,
  );
  const page = pageOf(rows, ({ position }) => position);
  return { ...page, items: await withAttachments(on, account, page.items) };
}

async function withAttachments(on: Queryable, account: number, rows: StoredMessage[]) {
  const positions = rows.map(({ position }) => position);
  const attachments = rows.length === 0 ? [] : await attachmentsOf(on, account, positions);
  const byMessage = Map.groupBy(attachments, ({ position }) => position);
  return rows.map((row): InboxMessage => {
    const { at, id } = partsOf(row.position) ?? { at: '', id: row.position };
    return { ...row, id, sent_at: at, attachments: byMessage.get(row.position) ?? [] };
  });
}

/**
 * Reads the whole text of a message and the id of its thread; undefined if no message has this
 * position.
 */
export const messageAt = (on: Queryable, account: number, position: string) =>
  partsOf(position)
    ? first<Pick<StoredMessage, 'thread_id' | 'body'>>(
        on,
        sql`select thread_id, body from inbox_message
             where account_id = ${account} and position = ${position}`,
      )
    : Promise.resolve(undefined);
