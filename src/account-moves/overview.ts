// What the dashboard shows of all moves: counts, a page of accounts, how long people wait, and failures by cause.
import { first, join, select, sql, type Queryable, type Statement } from '../database/sql.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import type { MovesOfDay } from './chart.ts';
import { moveKinds } from './job-requests.ts';
import { membersOf, moveGroups, type MoveGroup } from './move-view.ts';
import type { Move } from './moves.ts';
import type { MigrationStatus } from './status.ts';

/** How many accounts a page lists. */
export const LISTED = 50;

/** How many moves there are in each group; those of one wave only, if it is given. */
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

/** A move as the list shows it. */
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
  /** The beginning of the account’s id; empty for all. */
  search: string;
  /** Only accounts that were added before this one. */
  before: number | null;
};

const listed = sql`move.account_id, account.external_id, account.name, move.migration_status, move.reached,
                   move.part, move.run, move.messages, move.failed, move.skipped, move.expected_messages,
                   move.error_message, move.reading_since,
                   move.messages_before, move.ended_at`;

/**
 * A page of moves, the accounts that were added last first; those that a search finds by their ids. Each status is
 * asked for by itself, so that an index answers in this order and no more rows are read than the page shows.
 */
export async function listMoves(on: Queryable, filter: MoveFilter): Promise<ListedMove[]> {
  if (filter.group === null) return select(on, pageOf(filter, null));
  const parts = membersOf[filter.group].map((member) => sql`(${pageOf(filter, member)})`);
  const order = filter.search === '' ? sql`account_id desc` : sql`external_id`;
  return select(
    on,
    sql`select * from (${join(parts, ' union all ')}) page order by ${order} limit ${LISTED}`,
  );
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

/** A text with other characters than ids have begins none, and MySQL could not compare it. */
const beginningWith = (search: string) =>
  EXTERNAL_ID.test(search)
    ? sql`and account.external_id like ${`${search.replaceAll('_', String.raw`\_`)}%`}`
    : sql`and false`;

const inWave = (wave: number) =>
  sql`select 1 from wave_account member
       where member.wave_id = ${wave} and member.account_id = move.account_id and member.taken_at is null`;

/** How long the runs that came so far today needed, in milliseconds; null when none came so far. */
export type WaitingTimes = { runs: number; median: number | null; p95: number | null };

/** The most runs that are measured, the latest ones: so many are answered in a tenth of a second. */
const MEASURED = 10_000;

/** From the request until a status, of the runs that reached it since the beginning of the day (UTC). */
export async function waitingTimes(
  on: Queryable,
  status: 'channels-only' | 'recent-messages-only',
): Promise<WaitingTimes> {
  // A run that is retried records its status again; its first time counts.
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

/** How many moves ended on each of the last days; days without any are left out. */
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

/** Failures of one cause. `example`: the account that failed last, or last failed to bring a record. */
export type FailureCause = {
  cause: string;
  accounts: number;
  example: string;
  reason: string;
};

const MOST_CAUSES = 20;

/** Why moves failed: each cause with its accounts, the most frequent first. */
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

/** Records that failed for one cause. */
export type LetterCause = FailureCause & { records: number };

/** Why records failed: each cause of open dead letters, of all accounts or of one. */
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

/** Accounts whose moves failed for a cause, those that failed longest ago first: who fails again comes last. */
export const failedOf = (on: Queryable, cause: string, limit: number) =>
  select<Pick<Move, 'external_id' | 'part' | 'wave_id'>>(
    on,
    sql`select account.external_id, move.part, move.wave_id
          from account_move move join inbox_account account on account.id = move.account_id
         where move.migration_status = 'failed' and coalesce(move.error_code, '') = ${cause}
         order by move.error_at, move.account_id limit ${limit}`,
  );

/** The names of the newest waves, to choose one of them. */
export const waveNames = (on: Queryable) =>
  select<{ id: number; name: string }>(
    on,
    sql`select id, name from wave order by id desc limit ${LISTED}`,
  );
