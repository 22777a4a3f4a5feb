// Dead letters of account migrations: records and attachments that could not be read, parsed or stored. A retry reads
// them from the older system or the dump again.
import { createHash } from 'node:crypto';
import type { PoolConnection } from 'mysql2/promise';
import { select, sql } from '../database/sql.ts';
import { record } from '../jobs/dead-letters.ts';
import type { Failure } from '../jobs/task.ts';
import { positionIn } from './records.ts';
import type { Run } from './run.ts';

/** The kind of record that a dead letter of a migration is about. */
export type LetterKind = 'brand' | 'channel' | 'thread' | 'message' | 'attachment';

/**
 * What a retry of a dead letter needs: where to find the record in the older system or the dump, and what was read
 * before.
 */
export type LetterPayload = {
  what: LetterKind;
  account: number;
  run: number;
  /** The location of the dump (export) that contains the record; null if the record is in the older system’s store. */
  location: string | null;
  cursor: string;
  /** The record as it was read; null if it could not be read or is too long to keep. */
  item: unknown;
  /**
   * The position of a message: its time and its id. Null for other kinds, and if the message has
   * none.
   */
  position: string | null;
};
export type Letter = Failure & { payload: LetterPayload; subject: string; cause: string };

type Lost = { cursor: string; item?: unknown; reason: string; cause: string };

/**
 * Creates dead letters for records of one kind. `location`: the dump that the run reads; null for
 * the older system’s store.
 */
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

/**
 * Returns the key of a dead letter, which names its record. A key that is too long is cut, and ends
 * with a hash of the whole key.
 */
function keyOf(what: LetterKind, cursor: string, location: string | null): string {
  const key = `${what} ${cursor}${location === null ? '' : ` in ${location}`}`;
  if (key.length <= MOST_KEY) return key;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return `${key.slice(0, MOST_KEY - hash.length - 2)}… ${hash}`.slice(0, MOST_KEY);
}

const MOST_KEPT = 64 * 1024;

/**
 * Keeps the record with its dead letter, so that a person can see it. A record that is too long is left out: a retry
 * reads it from the older system or the dump anyway.
 */
const kept = (item: unknown): unknown => (JSON.stringify(item).length > MOST_KEPT ? null : item);

/**
 * Returns only the new dead letters. The same unreadable thread is found on many pages of messages,
 * and a record that a person discarded in this run must not become a dead letter again.
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
