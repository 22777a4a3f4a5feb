// Dead letters of moves: records and attachments that cannot be read, parsed or stored. A retry reads them again.
import { createHash } from 'node:crypto';
import type { PoolConnection } from 'mysql2/promise';
import { select, sql } from '../database/sql.ts';
import { record } from '../jobs/dead-letters.ts';
import type { Failure } from '../jobs/task.ts';
import { positionIn } from './records.ts';
import type { Run } from './run.ts';

/** What a dead letter of a move is about. */
export type LetterKind = 'brand' | 'channel' | 'thread' | 'message' | 'attachment';

/** What a retry needs: where the record stands, and what was read there. */
export type LetterPayload = {
  what: LetterKind;
  account: number;
  run: number;
  /** The dump that it stands in; null for the store. */
  location: string | null;
  cursor: string;
  /** What was read; null where it is too long to be kept. */
  item: unknown;
  /** The position of a message, where it has one. */
  position: string | null;
};
export type Letter = Failure & { payload: LetterPayload; subject: string; cause: string };

type Lost = { cursor: string; item?: unknown; reason: string; cause: string };

/** Dead letters for records of one kind. `location`: the dump that is read; null for the store. */
export const lettersOf = (
  { account, externalId, run, location }: Pick<Run, 'account' | 'externalId' | 'run' | 'location'>,
  lost: Lost[],
  what: LetterKind = 'message',
): Letter[] =>
  lost.map(({ cursor, item = null, reason, cause }) => ({
    key: keyOf(what, cursor, location),
    reason,
    payload: {
      what,
      account,
      run,
      location,
      cursor,
      item: kept(item),
      position: what === 'message' ? positionIn({ cursor, item }) : null,
    },
    subject: externalId,
    cause,
  }));

const MOST_KEY = 190;

/** Names the record; a long name ends with a hash of the whole. */
function keyOf(what: LetterKind, cursor: string, location: string | null): string {
  const key = `${what} ${cursor}${location === null ? '' : ` in ${location}`}`;
  if (key.length <= MOST_KEY) return key;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return `${key.slice(0, MOST_KEY - hash.length - 2)}… ${hash}`.slice(0, MOST_KEY);
}

const MOST_KEPT = 64 * 1024;

/** A record is kept with its dead letter, so that a person can see it; a retry reads it again anyway. */
const kept = (item: unknown): unknown => (JSON.stringify(item).length > MOST_KEPT ? null : item);

/**
 * The dead letters that are new: a thread that cannot be read is met on many pages, and what a person discarded in this
 * run is not asked about again.
 */
export async function withoutKnown(at: Run, letters: Letter[]): Promise<Letter[]> {
  if (letters.length === 0) return [];
  const open = await select<{ item_key: string }>(
    at.here.sql,
    sql`select item_key from dead_letter
         where subject = ${at.externalId} and item_key in (${letters.map(({ key }) => key)})
           and (state = 'open'
                or (state = 'discarded' and ended_by is not null and failed_at >=
                     (select requested_at from account_move where account_id = ${at.account})))`,
  );
  const known = new Set(open.map(({ item_key: key }) => key));
  const unique = new Map(letters.map((letter) => [letter.key, letter]));
  return [...unique.values()].filter(({ key }) => !known.has(key));
}

export async function recordLetters(on: PoolConnection, { work }: Run, letters: Letter[]) {
  for (const letter of letters) await record(on, work.job, letter);
}
