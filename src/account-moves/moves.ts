// Reads and writes the record of each account’s migration: its status, what it has reached, and where reading
// continues.
import type { PoolConnection } from 'mysql2/promise';
import { first, run, select, sql, type Queryable, type Statement } from '../database/sql.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import type { MigrationStatus, Part, Reached, Stage } from './status.ts';

export type Counts = {
  channels: number;
  threads: number;
  messages: number;
  attachments: number;
  /** How many attachments cannot be read. */
  skipped: number;
  /** How many records are dead letters; attachments do not count here. */
  failed: number;
};

export type Move = Counts & {
  account_id: number;
  /** The id of the account in the older system, from which it is migrated, and the account’s name there. */
  external_id: string;
  name: string;
  migration_status: MigrationStatus;
  reached: Reached | null;
  /** The number of the migration’s current run; 0 before the first run. A request with `force` begins the next run. */
  run: number;
  stage: Stage | null;
  part: Part;
  reader: 'store' | 'dump';
  /**
   * The prefix of the dump (export of the account) in the object storage; null when the current run of the migration
   * reads the older system’s store.
   */
  location: string | null;
  /**
   * The location of the dump that the current run of the migration read before. Attachments that are missing in the
   * present dump are read from that former dump.
   */
  former_location: string | null;
  /**
   * The cursor after which the current run of the migration continues to read messages; null before the first page of
   * messages and after the last one.
   */
  position: string | null;
  page: number;
  /** Whether the current stage of the migration has read all its pages of messages. */
  all_read: 0 | 1;
  /** The cursor (position in the older system or the dump) of the account’s newest message when the run began. */
  newest_position: string | null;
  /** Messages before this time are not recent; recent messages are migrated first. */
  cut_at: string | null;
  /** When the migration’s current job began to read, and how many messages of the account Oneway had by then. */
  reading_since: string | null;
  messages_before: number;
  /** How many messages the account has in the older system; null when the older system does not say. */
  expected_messages: number | null;
  /** How many times the current run of the migration has paused because a media host failed. */
  media_pauses: number;
  /** The only job that may continue the current run of the migration; any other job of that run stops. */
  job: string | null;
  /** The wave (migration of many accounts) that started this run; null if an app or a person requested the run. */
  wave_id: number | null;
  /** Whether the wave in `wave_id` is paused: the run then stops at its next page of messages. */
  is_paused?: 0 | 1;
  error_code: string | null;
  error_message: string | null;
  error_at: string | null;
  failing_since: string | null;
  reported_at: string | null;
  /** When the older system was asked whether it knows the account. */
  asked_at: string | null;
  person: string;
  requested_at: string | null;
  ended_at: string | null;
};

const all = sql`select move.*, account.external_id, account.name,
                       coalesce(wave.state = 'paused', 0) as is_paused
                  from account_move move
                  join inbox_account account on account.id = move.account_id
                  left join wave on wave.id = move.wave_id`;

export const byAccount = (on: Queryable, account: number) =>
  first<Move>(on, sql`${all} where move.account_id = ${account}`);

export const byExternalId = (on: Queryable, externalId: string) =>
  EXTERNAL_ID.test(externalId)
    ? first<Move>(on, sql`${all} where account.external_id = ${externalId}`)
    : Promise.resolve(undefined);

/** Lists migrations in the order of their accounts, beginning after the account `after`. */
export const list = (on: Queryable, { after, limit }: { after: number; limit: number }) =>
  select<Move>(
    on,
    sql`${all} where move.account_id > ${after} order by move.account_id limit ${limit}`,
  );

/**
 * Locks the migration of an account, so that requests for the same account wait for each other. The
 * row of the account itself is not locked: code that adds accounts locks the two rows in the other
 * order, and that could deadlock.
 */
export async function lock(on: PoolConnection, account: number): Promise<Move> {
  const move = await first<Omit<Move, 'external_id' | 'name' | 'is_paused'>>(
    on,
    sql`select * from account_move where account_id = ${account} for update`,
  );
  const owner = await first<Pick<Move, 'external_id' | 'name'>>(
    on,
    sql`select external_id, name from inbox_account where id = ${account}`,
  );
  if (!move || !owner) throw new Error(`Account ${account} has no move`);
  return { ...move, ...owner };
}

/** Records when a job begins to read. The remaining time of the run is estimated from the messages since then. */
export const beginReading = (on: Queryable, account: number, job: string) =>
  run(
    on,
    sql`update account_move set reading_since = utc_timestamp(3), messages_before = messages
         where account_id = ${account} and job = ${job}`,
  );

export const countsOf = (move: Counts): Counts => {
  const { channels, threads, messages, attachments, skipped, failed } = move;
  return { channels, threads, messages, attachments, skipped, failed };
};

type Fault = { account: number; code: string; message: string; only?: Statement };

/**
 * Marks a migration as failed; records that are already stored stay. `only`: an SQL condition; if it is false, nothing
 * changes.
 */
export async function fail(
  on: PoolConnection,
  { account, code, message, only = sql`true` }: Fault,
) {
  const failed = await run(
    on,
    sql`update account_move
           set migration_status = 'failed', error_code = ${code}, error_message = ${message},
               error_at = utc_timestamp(3), ended_at = utc_timestamp(3)
         where account_id = ${account} and ${only}`,
  );
  if (failed > 0) await addEvent(on, { account, kind: 'status', name: 'failed' });
}

export type MoveEvent = {
  id: number;
  account_id: number;
  run: number;
  kind: 'status' | 'stage';
  name: MigrationStatus | Stage;
  /** How many channels, threads, messages and other records the migration had by the time of the event, as JSON. */
  counts: string;
  at: string;
};

/**
 * Records that a migration reached a status or began a stage, with the migration’s current counts.
 */
export const addEvent = (
  on: Queryable,
  { account, kind, name }: { account: number; kind: MoveEvent['kind']; name: MoveEvent['name'] },
) =>
  run(
    on,
    sql`insert into account_move_event (account_id, run, kind, name, counts, at)
        select account_id, run, ${kind}, ${name},
               json_object('channels', channels, 'threads', threads, 'messages', messages,
                           'attachments', attachments, 'skipped', skipped, 'failed', failed),
               utc_timestamp(3)
          from account_move where account_id = ${account}`,
  );

/** Returns the events of all runs of an account, oldest first. */
export const eventsOf = (on: Queryable, account: number) =>
  select<MoveEvent>(
    on,
    sql`select * from account_move_event where account_id = ${account} order by id`,
  );
