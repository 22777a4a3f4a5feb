// Writes the records of an account that is migrated. A migration run overwrites rows of earlier runs, but never rows
// that were created in Oneway itself.
import { insertRows, type Columns } from '../database/bulk.ts';
import { join, name, sql, toSqlInstant, type Queryable, type Statement } from '../database/sql.ts';
import type { Message, Thread } from './records.ts';
import type { Run } from './run.ts';

type Owner = Pick<Run, 'account' | 'run'>;

/**
 * Inserts the rows of a migration run, or overwrites rows of earlier runs. Rows that were created in Oneway itself have
 * `run` null and are never overwritten.
 */
const upsert = (on: Queryable, table: string, columns: string[], rows: Columns[]) => {
  const newer = sql`run < values(run)`;
  const set = (column: string, value: Statement) =>
    sql`${name(column)} = if(${newer}, ${value}, ${name(column)})`;
  const assignments = columns.map((column) => set(column, sql`values(${name(column)})`));
  // Assign `run` last, because MySQL applies assignments in order and the others compare the old
  // value of `run`.
  return insertRows(
    on,
    table,
    rows,
    sql`on duplicate key update ${join(assignments, ', ')}, run = greatest(run, values(run))`,
  );
};

export const upsertBrands = (on: Queryable, at: Owner, brands: { id: string; name: string }[]) =>
  upsert(
    on,
    'inbox_brand',
    ['name'],
    brands.map(({ id, name: called }) => ({ ...owned(at), id, name: called })),
  );

type WantedChannel = {
  id: string;
  brand_id?: string | null | undefined;
  kind: string;
  name: string;
  address: string;
};

export const upsertChannels = (on: Queryable, at: Owner, channels: WantedChannel[]) =>
  upsert(
    on,
    'inbox_channel',
    ['brand_id', 'kind', 'name', 'address'],
    channels.map(({ id, brand_id: brand = null, kind, name: called, address }) => ({
      ...owned(at),
      id,
      brand_id: brand,
      kind,
      name: called,
      address,
    })),
  );

export const upsertThreads = (on: Queryable, at: Owner, threads: Thread[]) =>
  upsert(
    on,
    'inbox_thread',
    ['channel_id', 'title', 'customer', 'last_at', 'gone_at'],
    threads.map(({ id, channel_id: channel, title, customer, last_at: last }) => ({
      ...owned(at),
      id,
      channel_id: channel,
      title,
      customer,
      last_at: toSqlInstant(last),
      gone_at: null,
    })),
  );

export async function upsertMessages(on: Queryable, at: Owner, messages: Message[]) {
  await upsert(
    on,
    'inbox_message',
    ['thread_id', 'direction', 'author', 'body', 'gone_at'],
    messages.map(({ position, thread_id: thread, direction, author, body }) => ({
      ...owned(at),
      position,
      thread_id: thread,
      direction,
      author,
      body,
      gone_at: null,
    })),
  );
  // The column `object`, which names the stored content, is not overwritten: the content that an earlier run stored can
  // be read until the attachment is fetched again.
  await upsert(
    on,
    'inbox_attachment',
    ['name', 'type', 'url', 'state', 'reason', 'gone_at'],
    messages.flatMap(({ position, attachments }) =>
      attachments.map(({ id, name: called, type, url }) => ({
        ...owned(at),
        position,
        id,
        name: called,
        type,
        url,
        state: 'waiting',
        reason: null,
        gone_at: null,
      })),
    ),
  );
}

const owned = ({ account, run: number }: Owner) => ({ account_id: account, run: number });
