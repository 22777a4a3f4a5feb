// The record of every copy (staging database), in the table `database_copy`: who ordered it, what it was made from,
// and what is happening to it.
import {
  first,
  run,
  select,
  sql,
  toSqlInstant,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { Conflict } from '../problems.ts';
import type { Level } from './names.ts';

/**
 * The state of a copy. `updating`: a job migrates it to the schema of this program. A failed or dropped copy has no
 * databases any more.
 */
export type CopyState = 'building' | 'ready' | 'updating' | 'dropping' | 'failed' | 'dropped';

export type Copy = {
  /** The id of the copy, which is also that of its order. */
  id: string;
  /** The id that is written into its databases: its own, or that of the spare (tested copy) that it was made from. */
  mark: string;
  /** The name of its MySQL database. */
  name: string;
  /** The name of its MongoDB database; not that of the MySQL one if the copy was made from a spare. */
  documents_name: string;
  /** The name of the spare’s MySQL database, if the copy is made from a spare. */
  spare_name: string | null;
  client: string;
  level: Level;
  /** The e-mail of the person who ordered it. */
  person: string;
  /** The time at which its backup was begun; `data_at` is the time of the data in it. */
  backup: string;
  data_at: string;
  /** The version of its database. */
  version: string;
  state: CopyState;
  /** 1 for a spare: a copy that was tested and waits for an order. */
  is_spare: number;
  is_creating: number;
  /** The id of the copy that replaces this one under the same name. */
  replaced_by: string | null;
  /** The id of the job that builds or updates it. */
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
  /** When its state changed last. */
  changed_at: string;
  ready_at: string | null;
  ended_at: string | null;
};

export type NewCopy = Pick<
  Copy,
  'id' | 'name' | 'client' | 'level' | 'person' | 'backup' | 'data_at' | 'version' | 'job'
> & {
  isSpare: boolean;
  /** The spare (tested copy) whose databases it takes over; null if it loads its backup. */
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

/** Reads the record of a copy, which must exist. */
export async function known(on: Queryable, id: string): Promise<Copy> {
  const copy = await byId(on, id);
  if (!copy) throw new Error('The record of a copy is gone');
  return copy;
}

export const byIds = (on: Queryable, ids: string[]) =>
  select<Copy>(on, sql`select * from database_copy where id in (${ids})`);

/** The copy that has this name now. */
export const named = (on: Queryable, name: string) =>
  first<Copy>(on, sql`select * from database_copy where live_name = ${name}`);

/** The newest copy that ever had this name, even if it was dropped since. */
export const newestNamed = (on: Queryable, name: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy where name = ${name} order by created_at desc limit 1`,
  );

/** The copies that people may open, newest first, without spares, which have no name for people yet. */
export const live = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy where ended_at is null and not is_spare order by created_at desc`,
  );

/** The copies that ended in the last 30 days, for the page. */
export const ended = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where ended_at > utc_timestamp(3) - interval 30 day and not is_spare
         order by ended_at desc limit 20`,
  );

/** Whether a copy is protected now, so that neither a person nor a job may drop it. */
export const isProtected = ({ protected_until: until }: Pick<Copy, 'protected_until'>): boolean =>
  until !== null && until > toSqlInstant(new Date().toISOString());

/** Counts the copies against the limit. A copy that is being replaced does not count, because its successor does. */
export async function countSlots(on: Queryable): Promise<number> {
  const line = await first<{ count: number }>(
    on,
    sql`select count(*) as count from database_copy
         where ended_at is null and replaced_by is null and not is_spare`,
  );
  return line?.count ?? 0;
}

/** Changes a copy if it is in one of these states; returns whether it was. */
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

/**
 * Changes a copy if it is in one of these states.
 * @throws Conflict when it is in another one
 */
export async function changeOrRefuse(
  on: Queryable,
  copy: Pick<Copy, 'id' | 'name'>,
  states: CopyState[],
  what: Statement,
): Promise<void> {
  if (await change(on, copy, states, what)) return;
  throw new Conflict(`${copy.name} is being worked on, or gone already. Reload the page.`);
}

/** The copy that this one replaces, if it still exists. */
export const replacedBy = (on: Queryable, id: string) =>
  first<Copy>(on, sql`select * from database_copy where replaced_by = ${id} and ended_at is null`);

/** Ends the replacement of a copy, which keeps its name, because the copy that was to replace it was not made. */
export const keepName = (on: Queryable, successor: string) =>
  run(
    on,
    sql`update database_copy set replaced_by = null
         where replaced_by = ${successor} and state = 'ready'`,
  );

/** The spare of a client: a tested copy that nobody has ordered yet. */
export const spareOf = (on: Queryable, client: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy
         where client = ${client} and is_spare and ended_at is null order by created_at desc limit 1`,
  );

/** Copies whose job will not finish them any more: it failed, was cancelled, or no longer exists. */
export const abandoned = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select database_copy.* from database_copy
          left join job on job.id = database_copy.job
         where database_copy.state in ('building', 'updating')
           and (job.id is null or job.ended_at is not null)`,
  );

/** Copies that a process began to drop more than a minute ago and has not finished, because it died. */
export const droppingForLong = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where state = 'dropping' and changed_at < utc_timestamp(3) - interval 1 minute`,
  );
