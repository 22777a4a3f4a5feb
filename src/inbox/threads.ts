// Reads the threads of an account, newest first.
import {
  first,
  fromSqlInstant,
  select,
  sql,
  toSqlInstant,
  type Queryable,
} from '../database/sql.ts';
import { EXTERNAL_ID } from './accounts.ts';
import { PAGE, pageOf, partsOf, type InboxPage } from './places.ts';
import { contains } from './search.ts';

export type Thread = {
  id: string;
  channel_id: string;
  /** The name of the channel; null while the channel has not been migrated. */
  channel: string | null;
  title: string;
  customer: string;
  /** The time of the newest message in the thread. */
  last_at: string;
  /**
   * When a migration of the account noticed that the older system Conversations no longer has the thread; null if the
   * thread still exists in Conversations.
   */
  gone_at: string | null;
};

const columns = sql`thread.id, thread.channel_id, channel.name as channel, thread.title, thread.customer,
                    thread.last_at, thread.gone_at`;
const withChannel = sql`from inbox_thread thread
                        left join inbox_channel channel
                          on channel.account_id = thread.account_id and channel.id = thread.channel_id`;

type ThreadFilter = { before?: string | null; search?: string; found?: string[] };

/**
 * Reads a page of threads, newest first. `before`: only threads before this position. `search`: only threads whose
 * title or customer contains this text. `found`: the ids of threads with a message that contains the text; these
 * threads are included, too.
 */
export async function pageOfThreads(
  on: Queryable,
  account: number,
  { before = null, search = '', found = [] }: ThreadFilter = {},
): Promise<InboxPage<Thread>> {
  const rows = await select<Thread>(
    on,
    sql`select ${columns} ${withChannel}
         where thread.account_id = ${account}${earlier(before)}${containing(search, found)}
         order by thread.last_at desc, thread.id desc
         limit ${PAGE + 1}`,
  );
  return pageOf(rows, placeOf);
}

export const threadById = (on: Queryable, account: number, id: string) =>
  EXTERNAL_ID.test(id)
    ? first<Thread>(
        on,
        sql`select ${columns} ${withChannel} where thread.account_id = ${account} and thread.id = ${id}`,
      )
    : Promise.resolve(undefined);

const placeOf = ({ last_at: at, id }: Thread) => `${fromSqlInstant(at)}#${id}`;

/**
 * Returns the SQL condition for threads before a position. The condition `last_at <= …` is implied by the one in
 * brackets, but only with it does MySQL use the index to start reading at the position.
 */
function earlier(before: string | null) {
  const place = before === null ? null : partsOf(before);
  if (place === null) return sql``;
  const at = toSqlInstant(place.at);
  return sql` and thread.last_at <= ${at} and (thread.last_at < ${at} or thread.id < ${place.id})`;
}

function containing(search: string, found: string[]) {
  const text = search.trim();
  if (text === '') return sql``;
  const isLike = contains(text);
  return sql` and (thread.title ${isLike} or thread.customer ${isLike} or thread.id in (${found}))`;
}
