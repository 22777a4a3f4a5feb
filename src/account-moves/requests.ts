// Requests for a move: from an app, from Conversations, from a person, from a wave. All of them start the same jobs.
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import type { Move } from './moves.ts';

export type MoveRequest = {
  /** The id of the account in the older system. */
  account: string;
  /** `remaining` continues after a run of the part `recent`. */
  part: 'whole' | 'recent' | 'remaining';
  /** The prefix of a dump in the object storage; null: the store is read. */
  location: string | null;
  /** Begins the next run, from the start. */
  force: boolean;
  person: string;
  wave: number | null;
};

/** `isAccepted`: whether something was begun or continued; otherwise the request changed nothing. */
export type Requested = { move: Move; isAccepted: boolean; job: Job | null };

/**
 * Finds the move of an account; asks the older system whether it knows the account, unless that is known.
 * @throws Unavailable when the older system does not answer and was never asked
 */
export async function ask(_here: App, _externalId: string): Promise<Move> {
  throw new Error('to do');
}

/**
 * Begins, continues or ignores a move, by the state that it is in. The caller queues the job.
 * @throws Invalid when the request cannot be, such as `remaining` before `recent`
 */
export async function requestMove(_here: App, _wanted: MoveRequest): Promise<Requested> {
  throw new Error('to do');
}
