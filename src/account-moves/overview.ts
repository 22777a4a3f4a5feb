// The queries of the migration dashboard: counts, a page of accounts, waiting times, and failures by cause.
import { first, select, sql, unionAll, type Queryable, type Statement } from '../database/sql.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import type { MovesOfDay } from './chart.ts';
import { moveKinds } from './job-requests.ts';
import { membersOf, moveGroups, type MoveGroup } from './move-view.ts';
import type { Move } from './moves.ts';
import type { MigrationStatus } from './status.ts';

/** How many accounts one page of the list shows. */
export const LISTED = 50;

/**
 * Counts the migrations in each group of the dashboard (waiting, running, done, failed). If `wave` is given, counts
 * only the accounts of that wave.
 */
export async function countGroups(
  on: Queryable,
  wave: number | null = null,
): Promise<Record<MoveGroup, number>> {
  const rows = await select<{ status: MigrationStatus; part: Move['part']; number: number }>(
    on,
    wave === null
      ? sql`select migration_status as status, part, count(*) as number
              from account_move group by migration_status, part`
      : sql`select move.migration_status as status, move.part, count(*) as number
              from wave_account member
              join account_move move on move.account_id = member.account_id
             where member.wave_id = ${wave} and member.taken_at is null
             group by move.migration_status, move.part`,
  );
  const counts: Record<MoveGroup, number> = { waiting: 0, running: 0, done: 0, failed: 0 };
  for (const { status, part, number } of rows) {
    const group = moveGroups.find((one) =>
      membersOf[one].some((member) => member.status === status && member.part === part),
    );
    if (group) counts[group] += number;
  }
  return counts;
}

/** The columns of a migration that the list shows. */
export type ListedMove = Pick<
  Move,
  | 'account_id'
  | 'external_id'
  | 'name'
  | 'migration_status'
  | 'reached'
  | 'part'
  | 'run'
  | 'messages'
  | 'failed'
  | 'skipped'
  | 'expected_messages'
  | 'error_message'
  | 'reading_since'
  | 'messages_before'
  | 'ended_at'
>;

export type MoveFilter = {
  group: MoveGroup | null;
  wave: number | null;
  /** Lists only accounts whose ids begin with this text; empty for all accounts. */
  search: string;
  /** Only accounts with a smaller number, that is, accounts that were added earlier. */
  before: number | null;
};

const listed = sql`move.account_id, account.external_id, account.name, move.migration_status, move.reached,
                   move.part, move.run, move.messages, move.failed, move.skipped, move.expected_messages,
                   move.error_message, move.reading_since,
                   move.messages_before, move.ended_at`;

/**
 * Reads a page of migrations, the newest account first, or sorted by id if there is a search. Each
 * status is queried separately, so that an index returns the rows in this order and MySQL reads no
 * more rows than the page shows.
 */
export async function listMoves(on: Queryable, filter: MoveFilter): Promise<ListedMove[]> {
  if (filter.group === null) return select(on, pageOf(filter, null));
  const parts = membersOf[filter.group].map((member) => pageOf(filter, member));
  const order = filter.search === '' ? sql`account_id desc` : sql`external_id`;
  return select(on, sql`select * from (${unionAll(parts)}) page order by ${order} limit ${LISTED}`);
}

type Member = (typeof membersOf)[MoveGroup][number];

function pageOf({ wave, search, before }: MoveFilter, member: Member | null): Statement {
  return sql`select ${listed}
               from account_move move
               join inbox_account account on account.id = move.account_id
              where true
                ${member ? sql`and move.migration_status = ${member.status} and move.part = ${member.part}` : sql``}
                ${search === '' ? sql`` : beginningWith(search)}
                ${wave === null ? sql`` : sql`and exists (${inWave(wave)})`}
                ${before === null ? sql`` : sql`and move.account_id < ${before}`}
              order by ${search === '' ? sql`move.account_id desc` : sql`account.external_id`}
              limit ${LISTED}`;
}

/**
 * A search with characters that no id contains finds nothing. MySQL is not asked, because it could
 * not compare such a text with an id.
 */
const beginningWith = (search: string) =>
  EXTERNAL_ID.test(search)
    ? sql`and account.external_id like ${`${search.replaceAll('_', String.raw`\_`)}%`}`
    : sql`and false`;

const inWave = (wave: number) =>
  sql`select 1 from wave_account member
       where member.wave_id = ${wave} and member.account_id = move.account_id and member.taken_at is null`;

/** How long today’s migration runs took to reach a status, in milliseconds; null if no run reached it today. */
export type WaitingTimes = { runs: number; median: number | null; p95: number | null };

/**
 * At most this many migration runs are measured, the latest ones, so that the query takes about a tenth of a second.
 */
const MEASURED = 10_000;

/** Measures the time from the request to a status, for all migration runs that reached this status today (UTC). */
export async function waitingTimes(
  on: Queryable,
  status: 'channels-only' | 'recent-messages-only',
): Promise<WaitingTimes> {
  // A migration run that is retried records a status again; only the first time counts.
  const found = await first<WaitingTimes>(
    on,
    sql`select count(*) as runs,
               min(case when share >= 0.5 then milliseconds end) as median,
               min(case when share >= 0.95 then milliseconds end) as p95
          from (select milliseconds, cume_dist() over (order by milliseconds) as share
                  from (select cast(timestampdiff(microsecond, begun.at, event.at) / 1000 as signed) as milliseconds
                          from (select * from account_move_event
                                 where name = ${status} and at >= utc_date()
                                 order by at desc limit ${MEASURED}) event
                          join account_move_event begun
                            on begun.id = (select min(id) from account_move_event of_run
                                            where of_run.account_id = event.account_id
                                              and of_run.run = event.run)
                         where not exists (
                             select 1 from account_move_event former
                              where former.account_id = event.account_id and former.run = event.run
                                and former.id < event.id and former.name = event.name)) waits) shares`,
  );
  return found ?? { runs: 0, median: null, p95: null };
}

/** Counts the migrations that ended on each of the last days; days without any are left out. */
export const movesByDay = (on: Queryable, days: number) =>
  select<MovesOfDay>(
    on,
    sql`select date_format(at, '%Y-%m-%d') as day,
               count(case when name = 'completed' then 1 end) as done,
               count(case when name = 'failed' then 1 end) as failed
          from account_move_event
         where name in ('completed', 'failed') and at >= utc_date() - interval ${days - 1} day
         group by day order by day`,
  );

/**
 * Failures of the same cause. `example`: one of the accounts, the newest account or the account of
 * the newest dead letter.
 */
export type FailureCause = {
  cause: string;
  accounts: number;
  example: string;
  reason: string;
};

const MOST_CAUSES = 20;

/** Groups failed migrations by cause, the most frequent cause first. */
export const failedByCause = (on: Queryable) =>
  select<FailureCause>(
    on,
    sql`select causes.cause, causes.accounts, account.external_id as example,
               coalesce(example.error_message, '') as reason
          from (select coalesce(error_code, '') as cause, count(*) as accounts, max(account_id) as latest
                  from account_move where migration_status = 'failed' group by cause) causes
          join account_move example on example.account_id = causes.latest
          join inbox_account account on account.id = causes.latest
         order by causes.accounts desc, causes.cause limit ${MOST_CAUSES}`,
  );

/** Dead letters of the same cause. */
export type LetterCause = FailureCause & { records: number };

/**
 * Groups open dead letters by cause, the most frequent cause first, for all accounts or for the
 * account `subject`.
 */
export const lettersByCause = (on: Queryable, subject: string | null = null) =>
  select<LetterCause>(
    on,
    sql`select causes.cause, causes.records, causes.accounts, coalesce(example.subject, '') as example,
               example.reason
          from (select coalesce(cause, '') as cause, count(*) as records,
                       count(distinct subject) as accounts, max(id) as latest
                  from dead_letter
                 where kind in (${moveKinds}) and state = 'open'
                   ${subject === null ? sql`` : sql`and subject = ${subject}`}
                 group by coalesce(cause, '')) causes
          join dead_letter example on example.id = causes.latest
         order by causes.records desc, causes.cause limit ${MOST_CAUSES}`,
  );

/**
 * Lists accounts whose migrations failed for a cause. The oldest failure comes first, so that an
 * account that fails again does not block the others.
 */
export const failedOf = (on: Queryable, cause: string, limit: number) =>
  select<Pick<Move, 'external_id' | 'part' | 'wave_id'>>(
    on,
    sql`select account.external_id, move.part, move.wave_id
          from account_move move join inbox_account account on account.id = move.account_id
         where move.migration_status = 'failed' and coalesce(move.error_code, '') = ${cause}
         order by move.error_at, move.account_id limit ${limit}`,
  );

/**
 * Lists the names of the newest waves (sets of accounts that are migrated in the background), for the filter by wave.
 */
export const waveNames = (on: Queryable) =>
  select<{ id: number; name: string }>(
    on,
    sql`select id, name from wave order by id desc limit ${LISTED}`,
  );
