// The dead letters that wait for a decision, as lists and actions on many of them read them: without their payloads.
import { first, select, sql, type Queryable } from '../database/sql.ts';
import { liveStates } from './jobs.ts';

export type LetterFilter = {
  kinds: string[];
  /** Null: of any subject, of any cause. */
  subject: string | null;
  cause: string | null;
  /** Null: all that match. */
  ids: number[] | null;
};

/** How many dead letters are listed, retried or discarded in one go. */
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

/** The open dead letters that a filter selects, oldest first: at most MOST_OPEN, with ids above `after`. */
export const openOnes = (on: Queryable, filter: LetterFilter, after = 0) =>
  select<OpenLetter>(
    on,
    sql`select ${columns} ${selected(filter)} and letter.id > ${after} order by letter.id limit ${MOST_OPEN}`,
  );

/** Open dead letters to retry or discard. `retrying`: how many are left out because a job retries them right now. */
export type Undecided = { letters: OpenLetter[]; retrying: number; left: number };

/** The open dead letters that a filter selects and that no job retries: at most MOST_OPEN; `left` says how many more. */
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
