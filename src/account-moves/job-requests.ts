// Requests the job that continues a migration run. There are three kinds of such jobs: for the channels and recent
// messages, for which a person waits; for the remaining records; and for an account of a wave (a set of accounts that
// are migrated in the background).
import type { PoolConnection } from 'mysql2/promise';
import { run, sql } from '../database/sql.ts';
import { request, type Job } from '../jobs/jobs.ts';
import type { Move } from './moves.ts';

export const OPENING = 'move-opening';
export const REST = 'move-rest';
export const WAVE = 'move-wave';
export const moveKinds = [OPENING, REST, WAVE];

/** Returns the kind of job that a migration run needs in its current stage. */
const kindOf = ({ stage, wave_id: wave }: Pick<Move, 'stage' | 'wave_id'>): string =>
  wave !== null ? WAVE : stage === 'channels' || stage === 'recent' ? OPENING : REST;

/** Requests the job that continues a migration run. Any other job of that run stops at its next commit. */
export async function requestJob(on: PoolConnection, move: Move, person: string): Promise<Job> {
  const { account_id: account, external_id: externalId, run: number } = move;
  const { job } = await request(on, {
    kind: kindOf(move),
    name: `Migration of account ${externalId}`,
    person,
    input: { account, run: number },
  });
  await run(on, sql`update account_move set job = ${job.id} where account_id = ${account}`);
  return job;
}
