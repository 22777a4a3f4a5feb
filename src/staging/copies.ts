// Reads and changes the records of staging databases (copies of backups) in the table `database_copy`: who ordered each
// database, from which backup it was made, and in which state it is.
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
 * The state of a copy (staging database). `updating`: a job migrates its schema to that of this program. `failed` and
 * `dropped`: its MySQL and MongoDB databases no longer exist.
 */
export type CopyState = 'building' | 'ready' | 'updating' | 'dropping' | 'failed' | 'dropped';

export type Copy = {
  /** The id of the staging database, which is also the id of its order. */
  id: string;
  /**
   * The id that is stored inside the MySQL and MongoDB databases: the id of this copy, or the id of the spare (tested
   * copy) from which this copy was made.
   */
  mark: string;
  /** The name of the staging database, which is also the name of its MySQL database. */
  name: string;
  /**
   * The name of the MongoDB database. It differs from `name` if the copy was made from a spare (a tested copy that
   * nobody had ordered).
   */
  documents_name: string;
  /**
   * The MySQL database of the spare (a tested copy that nobody had ordered) from which this copy is made; null if there
   * is none.
   */
  spare_name: string | null;
  client: string;
  level: Level;
  /** The e-mail of the person who ordered the staging database. */
  person: string;
  /**
   * The start time of the backup from which the staging database was made. `data_at` is the time of the data in that
   * backup.
   */
  backup: string;
  data_at: string;
  /** The database version (version of the schema) of the staging database. */
  version: string;
  state: CopyState;
  /** 1 for a spare: a staging database that was tested, and that nobody has ordered yet. */
  is_spare: number;
  is_creating: number;
  /** The id of the newer staging database that replaces this one and takes over its name; null if there is none. */
  replaced_by: string | null;
  /** The id of the job that builds the staging database, or upgrades it to a newer schema. */
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
  /** When the record of the staging database was last changed, for example its state. */
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
   * The spare (a tested staging database that nobody had ordered) whose databases the new copy takes over; null if the
   * new copy is loaded from its backup.
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

/**
 * Reads the record of a staging database.
 * @throws Error if there is no record with this id
 */
export async function known(on: Queryable, id: string): Promise<Copy> {
  const copy = await byId(on, id);
  if (!copy) throw new Error('The record of a copy is gone');
  return copy;
}

export const byIds = (on: Queryable, ids: string[]) =>
  select<Copy>(on, sql`select * from database_copy where id in (${ids})`);

/** Reads the staging database that has this name now, not former ones that had the same name. */
export const named = (on: Queryable, name: string) =>
  first<Copy>(on, sql`select * from database_copy where live_name = ${name}`);

/** Reads the newest staging database that ever had this name, even if it was dropped since. */
export const newestNamed = (on: Queryable, name: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy where name = ${name} order by created_at desc limit 1`,
  );

/**
 * Lists the ordered staging databases that exist or are being built, newest first. Spares (tested ones that nobody has
 * ordered) are left out.
 */
export const live = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy where ended_at is null and not is_spare order by created_at desc`,
  );

/** Lists up to 20 staging databases that failed or were dropped in the last 30 days, newest first. */
export const ended = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where ended_at > utc_timestamp(3) - interval 30 day and not is_spare
         order by ended_at desc limit 20`,
  );

/** Whether a staging database is protected now, so that neither a person nor a job may drop it. */
export const isProtected = ({ protected_until: until }: Pick<Copy, 'protected_until'>): boolean =>
  until !== null && until > toSqlInstant(new Date().toISOString());

/**
 * Counts the staging databases that the limit of databases applies to. One that is being replaced is not counted,
 * because the new one is counted already.
 */
export async function countSlots(on: Queryable): Promise<number> {
  const line = await first<{ count: number }>(
    on,
    sql`select count(*) as count from database_copy
         where ended_at is null and replaced_by is null and not is_spare`,
  );
  return line?.count ?? 0;
}

/** Changes the record of a staging database if it is in one of these states. Returns whether the record was changed. */
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
 * Changes the record of a staging database, which must be in one of these states.
 * @throws Conflict if it is in another state
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

/** Reads the staging database that the one with this id replaces, if it still exists. */
export const replacedBy = (on: Queryable, id: string) =>
  first<Copy>(on, sql`select * from database_copy where replaced_by = ${id} and ended_at is null`);

/**
 * Cancels the replacement of a staging database because the new one could not be built. The former one keeps its name.
 */
export const keepName = (on: Queryable, successor: string) =>
  run(
    on,
    sql`update database_copy set replaced_by = null
         where replaced_by = ${successor} and state = 'ready'`,
  );

/** Reads the spare of a client: a tested staging database of the client’s data that nobody has ordered yet. */
export const spareOf = (on: Queryable, client: string) =>
  first<Copy>(
    on,
    sql`select * from database_copy
         where client = ${client} and is_spare and ended_at is null order by created_at desc limit 1`,
  );

/**
 * Lists the staging databases that remain unfinished, because the job that builds or upgrades them has failed, was
 * cancelled or no longer exists.
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
 * Lists the staging databases that a process began to drop more than a minute ago and did not finish dropping, because
 * the process died.
 */
export const droppingForLong = (on: Queryable) =>
  select<Copy>(
    on,
    sql`select * from database_copy
         where state = 'dropping' and changed_at < utc_timestamp(3) - interval 1 minute`,
  );
