// Dead letters of moves: records and attachments that cannot be read, parsed or stored. A retry reads them again.
import type { PoolConnection } from 'mysql2/promise';
import { select, sql } from '../database/sql.ts';
import { record } from '../jobs/dead-letters.ts';
import type { Failure } from '../jobs/task.ts';
import type { Run } from './run.ts';

/** What a dead letter of a move is about. */
export type LetterKind = 'brand' | 'channel' | 'thread' | 'message' | 'attachment';

/** What a retry needs: where the record stands, and what was read there. */
export type LetterPayload = {
  what: LetterKind;
  account: number;
  run: number;
  cursor: string;
  item: unknown;
};
export type Letter = Failure & { payload: LetterPayload; subject: string; cause: string };

type Lost = { cursor: string; item?: unknown; reason: string; cause: string };

/** Dead letters for records of one kind. */
export const lettersOf = (
  { account, externalId, run }: Pick<Run, 'account' | 'externalId' | 'run'>,
  lost: Lost[],
  what: LetterKind = 'message',
): Letter[] =>
  lost.map(({ cursor, item = null, reason, cause }) => ({
    key: `${what} ${cursor}`.slice(0, 190),
    reason,
    payload: { what, account, run, cursor, item },
    subject: externalId,
    cause,
  }));

/** The dead letters that are not open already: a thread that cannot be read is met on many pages. */
export async function withoutKnown(at: Run, letters: Letter[]): Promise<Letter[]> {
  if (letters.length === 0) return [];
  const open = await select<{ item_key: string }>(
    at.here.sql,
    sql`select item_key from dead_letter
         where subject = ${at.externalId} and state = 'open'
           and item_key in (${letters.map(({ key }) => key)})`,
  );
  const known = new Set(open.map(({ item_key: key }) => key));
  const unique = new Map(letters.map((letter) => [letter.key, letter]));
  return [...unique.values()].filter(({ key }) => !known.has(key));
}

export async function recordLetters(on: PoolConnection, { work }: Run, letters: Letter[]) {
  for (const letter of letters) await record(on, work.job, letter);
}
