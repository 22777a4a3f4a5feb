// Reads and changes the records of copies (staging databases) in the table `database_copy`: who ordered each copy, from
// which backup it was made, and in which state it is.
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
 * The state of a copy. `updating`: a job migrates the copy to the schema of this program. `failed`
 * and `dropped`: the databases of the copy no longer exist.
 */
export type CopyState = 'building' | 'ready' | 'updating' | 'dropping' | 'failed' | 'dropped';

export type Copy = {
  /** The id of the copy, which is also the id of its order. */
  id: string;
  /**
   * The id that is stored in the copy’s databases: the copy’s own id, or the id of the spare
   * (tested copy) from which the copy was made.
   */
  mark: string;
  /** The name of the copy and of its MySQL database. */
  name: string;
  /**
   * The name of the copy’s MongoDB database. It differs from `name` if the copy was made from a
   * spare.
   */
  documents_name: string;
  /** The name of the spare’s MySQL database; null if the copy is not made from a spare. */
  spare_name: string | null;
  client: string;
  level: Level;
  /** The e-mail of the person who ordered the copy. */
  person: string;
  /** The start time of the backup from which the copy was made. `data_at` is the time of the data in that backup. */
  backup: string;
  data_at: string;
  /** The database version of the copy. */
  version: string;
  state: CopyState;
  /** 1 for a spare: a copy that was tested and waits for an order. */
  is_spare: number;
  is_creating: number;
  /**
   * The id of the newer copy that replaces this copy and takes over its name; null if none does.
   */
  replaced_by: string | null;
  /** The id of the job that builds or updates the copy. */
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
  /** When the copy was last changed, for example its state. */
  changed_at: string;
  ready_at: string | null;
  ended_at: string | null;
};

export type NewCopy = Pick<
  Copy,
  'id' | 'name' | 'client' | 'level' | 'person' | 'backup' | 'data_at' | 'version' | 'job'
> & {
  isSpare: boolean;
  /**
   * The spare (tested copy) whose databases the new copy takes over; null if the new copy loads its
   * backup.
   */
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

/** Reads the record of a copy. The record must exist. */
export async function known(on: Queryable, id: string): Promise<Copy> {
  const copy = await byId(on, id);
  if (!copy) throw new Error('The record of a copy is gone');
  return copy;
}

export const byIds = (on: Queryable, ids: string[]) =>
  select<Copy>(on, sql`select * from database_copy where id in (${ids})`);

/** Reads the copy that has this name now. Former copies of the same name are ignored. */
export const named = (on: Queryable, name: string) =>
  first<Copy>(on, sql`select * from database_copy where live_name = ${name}`);

/** Reads the newest copy that ever had this name, even if the copy was dropped since. */
export const newestNamed = (on: Queryable, name: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy where name = ${name} order by created_at desc limit 1`,
  );

/**
 * Lists the copies that exist or are being built, newest first. Spares are left out, because nobody
 * has ordered them.
 */
export const live = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy where ended_at is null and not is_spare order by created_at desc`,
  );

/** Lists up to 20 copies that failed or were dropped in the last 30 days, newest first. */
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

/**
 * Counts the copies that use up the limit of databases. A copy that is being replaced is not
 * counted, because the copy that replaces it is counted.
 */
export async function countSlots(on: Queryable): Promise<number> {
  const line = await first<{ count: number }>(
    on,
    sql`select count(*) as count from database_copy
         where ended_at is null and replaced_by is null and not is_spare`,
  );
  return line?.count ?? 0;
}

/** Changes a copy if it is in one of these states. Returns whether the copy was changed. */
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
 * Changes a copy that must be in one of these states.
 * @throws Conflict if the copy is in another state
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

/** Reads the copy that is replaced by the copy with this id, if the replaced copy still exists. */
export const replacedBy = (on: Queryable, id: string) =>
  first<Copy>(on, sql`select * from database_copy where replaced_by = ${id} and ended_at is null`);

/**
 * Cancels the replacement of a copy because the new copy could not be built. The former copy keeps
 * its name.
 */
export const keepName = (on: Queryable, successor: string) =>
  run(
    on,
    sql`update database_copy set replaced_by = null
         where replaced_by = ${successor} and state = 'ready'`,
  );

/** Reads the spare of a client: a tested copy that nobody has ordered yet. */
export const spareOf = (on: Queryable, client: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy
         where client = ${client} and is_spare and ended_at is null order by created_at desc limit 1`,
  );

/**
 * Lists the copies that no job will finish, because their job has failed, was cancelled or no
 * longer exists.
 */
export const abandoned = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select database_copy.* from database_copy
          left join job on job.id = database_copy.job
         where database_copy.state in ('building', 'updating')
           and (job.id is null or job.ended_at is not null)`,
  );

/**
 * Lists the copies that a process began to drop more than a minute ago and did not finish dropping,
 * because the process died.
 */
export const droppingForLong = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where state = 'dropping' and changed_at < utc_timestamp(3) - interval 1 minute`,
  );
