// The record of every copy: whose it is, what it was made from, and what is happening to it.
import { first, run, select, sql, type Queryable, type Statement } from '../database/sql.ts';
import type { Level } from './names.ts';

/** `updating`: it is brought to the shape of this program. Failed and dropped ones have no databases any more. */
export type CopyState = 'building' | 'ready' | 'updating' | 'dropping' | 'failed' | 'dropped';

export type Copy = {
  /** The id of its order. */
  id: string;
  /** Stands in its databases: its id, or that of the spare that it was made of. */
  mark: string;
  /** Its MySQL database. */
  name: string;
  /** Its MongoDB database: another name for one that was made before it was ordered. */
  documents_name: string;
  /** The MySQL database of the spare that it is made of. */
  spare_name: string | null;
  client: string;
  level: Level;
  /** Who ordered it. */
  person: string;
  /** The time of its backup, and the moment of the data in it. */
  backup: string;
  data_at: string;
  /** The database version that it has. */
  version: string;
  state: CopyState;
  /** It waits, tested and unnamed, for an order. */
  is_spare: number;
  is_creating: number;
  /** The copy that takes over its name. */
  replaced_by: string | null;
  /** The job that works on it. */
  job: string | null;
  callback_url: string | null;
  callback_key: string | null;
  until: string | null;
  protected_until: string | null;
  warned_at: string | null;
  bytes: number;
  row_count: number;
  problem: string | null;
  ended_by: string | null;
  created_at: string;
  /** When its state changed the last time. */
  changed_at: string;
  ready_at: string | null;
  ended_at: string | null;
};

export type NewCopy = Pick<
  Copy,
  'id' | 'name' | 'client' | 'level' | 'person' | 'backup' | 'data_at' | 'version' | 'job'
> & {
  isSpare: boolean;
  /** Whose databases it takes over. */
  spare: Copy | null;
  callback: { url: string; key: string } | null;
  bytes: number;
  rows: number;
};

export const add = (on: Queryable, copy: NewCopy) =>
  run(
    on,
    sql`insert into database_copy
          (id, mark, name, documents_name, spare_name, client, level, person, backup, data_at, version, state, is_spare,
           job, callback_url, callback_key, bytes, row_count, created_at, changed_at)
        values
          (${copy.id}, ${copy.spare?.mark ?? copy.id}, ${copy.name}, ${copy.spare?.documents_name ?? copy.name},
           ${copy.spare?.name ?? null}, ${copy.client}, ${copy.level}, ${copy.person},
           ${copy.backup}, ${copy.data_at}, ${copy.version}, 'building', ${copy.isSpare}, ${copy.job},
           ${copy.callback?.url ?? null}, ${copy.callback?.key ?? null}, ${copy.bytes}, ${copy.rows},
           utc_timestamp(3), utc_timestamp(3))`,
  );

export const byId = (on: Queryable, id: string) =>
  first<Copy>(on, sql`select * from database_copy where id = ${id}`);

export const byIds = (on: Queryable, ids: string[]) =>
  select<Copy>(on, sql`select * from database_copy where id in (${ids})`);

/** The live copy of a name. */
export const named = (on: Queryable, name: string) =>
  first<Copy>(on, sql`select * from database_copy where live_name = ${name}`);

/** The newest of a name, also one that is gone. */
export const newestNamed = (on: Queryable, name: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy where name = ${name} order by created_at desc limit 1`,
  );

/** What people may open, the newest first; a spare has no name of its own yet. */
export const live = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy where ended_at is null and not is_spare order by created_at desc`,
  );

/** What has ended lately, for the page. */
export const ended = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where ended_at > utc_timestamp(3) - interval 30 day and not is_spare
         order by ended_at desc limit 20`,
  );

/** The copies that count against the limit. One that is replaced gives its place to its successor. */
export async function countSlots(on: Queryable): Promise<number> {
  const line = await first<{ count: number }>(
    on,
    sql`select count(*) as count from database_copy
         where ended_at is null and replaced_by is null and not is_spare`,
  );
  return line?.count ?? 0;
}

/** Changes a copy, if it is in one of the states; answers whether it was. */
export async function change(
  on: Queryable,
  { id }: Pick<Copy, 'id'>,
  states: CopyState[],
  what: Statement,
): Promise<boolean> {
  const found = await run(
    on,
    sql`update database_copy set ${what}, changed_at = utc_timestamp(3) where id = ${id} and state in (${states})`,
  );
  return found === 1;
}

/** The copy that gives its name to another one. */
export const replacedBy = (on: Queryable, id: string) =>
  first<Copy>(on, sql`select * from database_copy where replaced_by = ${id} and ended_at is null`);

/** Gives its name back to a copy whose successor was not made. */
export const keepName = (on: Queryable, successor: string) =>
  run(
    on,
    sql`update database_copy set replaced_by = null
         where replaced_by = ${successor} and state = 'ready'`,
  );

/** The tested copy of a client that nobody has ordered yet. */
export const spareOf = (on: Queryable, client: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy
         where client = ${client} and is_spare and ended_at is null order by created_at desc limit 1`,
  );

/** Copies whose job has failed, was cancelled or is not known any more. */
export const abandoned = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select database_copy.* from database_copy
          left join job on job.id = database_copy.job
         where database_copy.state in ('building', 'updating')
           and (job.id is null or job.ended_at is not null)`,
  );

/** Copies whose drop was begun by a process that did not finish it. */
export const droppingForLong = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where state = 'dropping' and changed_at < utc_timestamp(3) - interval 1 minute`,
  );
