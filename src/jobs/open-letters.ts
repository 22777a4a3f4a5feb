// Reads open dead letters, which wait for a person’s decision, for lists and for actions on many of them. Payloads are
// not read, because they may be large.
import { first, select, sql, type Queryable } from '../database/sql.ts';
import { liveStates } from './jobs.ts';

export type LetterFilter = {
  kinds: string[];
  /** `subject` and `cause`: null means any subject or any cause. */
  subject: string | null;
  cause: string | null;
  /** Null means all dead letters that match the other conditions. */
  ids: number[] | null;
};

/** The maximum number of dead letters that are listed, retried or discarded at once. */
export const MOST_OPEN = 1000;

const columns = sql`letter.id, letter.item_key, letter.reason, letter.state, letter.attempts,
                    letter.subject, letter.cause, letter.failed_at`;

/** A dead letter without its payload, which may be large. */
export type OpenLetter = {
  id: number;
  item_key: string;
  reason: string;
  state: string;
  attempts: number;
  subject: string | null;
  cause: string | null;
  failed_at: string;
};

const selected = ({ kinds, subject, cause, ids }: LetterFilter) => sql`
    from dead_letter letter
    left join job retry on retry.id = letter.retry_job and retry.state in (${liveStates})
   where letter.state = 'open' and letter.kind in (${kinds})
     and (${subject} is null or letter.subject = ${subject})
     and (${cause} is null or letter.cause = ${cause}) and (${ids === null} or letter.id in (${ids ?? []}))`;

/**
 * Lists the open dead letters that match a filter, oldest first: at most MOST_OPEN, with ids above
 * `after`.
 */
export const openOnes = (on: Queryable, filter: LetterFilter, after = 0) =>
  select<OpenLetter>(
    on,
    sql`select ${columns} ${selected(filter)} and letter.id > ${after} order by letter.id limit ${MOST_OPEN}`,
  );

/**
 * Open dead letters to retry or discard. `retrying`: how many others are not in `letters` because a job retries them
 * right now. `left`: how many others are not in it because at most MOST_OPEN are listed.
 */
export type Undecided = { letters: OpenLetter[]; retrying: number; left: number };

/** Lists the open dead letters that match a filter and that no job retries: at most MOST_OPEN. */
export async function undecidedOnes(on: Queryable, filter: LetterFilter): Promise<Undecided> {
  const counted = await first<{ open: number; retrying: number }>(
    on,
    sql`select count(*) as open, count(retry.id) as retrying ${selected(filter)}`,
  );
  const letters = await select<OpenLetter>(
    on,
    sql`select ${columns} ${selected(filter)} and retry.id is null order by letter.id limit ${MOST_OPEN}`,
  );
  const { open = 0, retrying = 0 } = counted ?? {};
  return { letters, retrying, left: Math.max(0, open - retrying - letters.length) };
}
