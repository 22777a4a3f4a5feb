// Declares a kind of job: its label, the function that runs it (its task), and its limits.
import type { z } from 'zod';
import type { Ability } from '../access/permissions.ts';
import type { Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Progress } from './attempt.ts';
import type { Child, ChildRequest } from './children.ts';
import type { Job, Priority } from './jobs.ts';

/**
 * What the function of a job (its task) gets while it runs: the environment, the job’s record and
 * helper functions.
 */
export type Work = {
  here: App;
  job: Job;
  /**
   * Records the progress of the job. The text in `doing`, such as `Copying rows`, names the current step on the job’s
   * page; a new text begins a new step, unless `step` is running a step.
   * @throws Interrupted when the job must stop, for example because a person cancelled it
   */
  report: (progress: Progress) => Promise<void>;
  /**
   * Runs a named step of the job. If an earlier attempt finished this step, returns the stored
   * result instead. What `run` gave to `keep` is stored if the step ends before it is done.
   */
  step: <T>(name: string, run: (keep: (partial: T) => void) => Promise<T>) => Promise<T>;
  /** Adds a line to the log on the job's page. */
  log: (text: string) => Promise<void>;
  /** Queues a job that this job has requested, as soon as this job’s attempt has ended. */
  queue: (job: Job) => void;
  children: {
    /**
     * Requests child jobs, in the caller’s transaction if `on` is a connection. A child job with an
     * existing key is not requested again.
     */
    request: (on: Queryable, children: ChildRequest[]) => Promise<void>;
    /**
     * Returns all child jobs once they have ended. Before that, the call ends the attempt, so that
     * its worker is free; `run` starts again when the last child job has ended.
     * @throws Interrupted while a child job has not ended
     */
    wait: () => Promise<Child[]>;
  };
  /** Records an item that failed for good as a dead letter; the job itself continues. */
  deadLetter: (failure: Failure) => Promise<void>;
};

/**
 * An item of a job that failed for good. `payload` is what a retry of the item needs; `subject` is
 * what the item belongs to, such as an account; `cause` is a short code by which failures are
 * grouped.
 */
export type Failure = {
  key: string;
  reason: string;
  payload: unknown;
  subject?: string | null;
  cause?: string | null;
};

/**
 * How the delay between two attempts is computed, in milliseconds. `longest` is the maximum, by
 * default a minute.
 */
type Backoff = {
  type: 'fixed' | 'exponential';
  delay: number;
  jitter?: number;
  longest?: number;
};

export type Task = {
  label: string;
  /**
   * How often a job is tried while its attempts fail for a reason that may end by itself, such as a server that does
   * not answer.
   */
  attempts: number;
  mayBeCancelled: boolean;
  /** Whether a failed or cancelled job may be retried from its page. */
  mayBeRetried?: boolean;
  /**
   * How long to wait between attempts; by default 5 seconds, doubled after each attempt, up to a
   * minute.
   */
  backoff?: Backoff;
  /** The priority of this kind’s jobs, if their request does not set one. */
  priority?: Priority;
  /** Whether jobs of this kind have a queue and workers of their own, so that other jobs never delay them. */
  hasOwnQueue?: boolean;
  /**
   * How many jobs of this kind a process runs at once; 4 by default. Only for kinds with their own
   * queue.
   */
  sideBySide?: number;
  /** How many jobs of this kind may run at once in the environment, on all machines together. */
  concurrency?: number;
  /** At most `max` jobs of this kind start within `perMs`, on all machines together. */
  rate?: { max: number; perMs: number };
  run: (work: Work) => Promise<unknown>;
  /**
   * Retries one dead letter (failed item) in a job of its own, which may need several attempts. The function must call
   * `settle` in the transaction that writes the item, so that the item is written once. `settle` closes the dead
   * letter; it returns false if an earlier attempt has already closed it.
   */
  retryItem?: (
    work: Work,
    payload: unknown,
    settle: (on: Queryable) => Promise<boolean>,
  ) => Promise<void>;
  /** Called with the payload of a dead letter, in the transaction that discards the dead letter. */
  whenDiscarded?: (on: Queryable, payload: unknown) => Promise<unknown>;
  /**
   * The permission that a user needs to see the payloads of dead letters; by default `look`, which every signed-in user
   * has.
   */
  showsItemsTo?: Ability;
  /** Renders the report of the job on its page. */
  outcome?: Outcome;
};

/**
 * The view that shows the report of a job, and a function that makes the variables of the view from the job’s report
 * and input. `unfinished` makes the report of a job that was cancelled or has failed, from the results of its steps.
 */
type Outcome = {
  view: string;
  locals: (report: object, input: object) => object;
  unfinished?: (here: App, job: Job) => Promise<object | null>;
};
export type Tasks = Record<string, Task>;

/**
 * Makes a task from a function and the schema of the job’s input, which is validated before the
 * function runs.
 */
export const task = <T extends z.ZodType>(
  input: T,
  {
    run,
    ...rest
  }: Omit<Task, 'run'> & { run: (work: Work, input: z.infer<T>) => Promise<unknown> },
): Task => ({ ...rest, run: (work) => run(work, input.parse(JSON.parse(work.job.input))) });

/** The kinds of job that may be cancelled, by a person or together with their parent job. */
export const cancellableKinds = (tasks: Tasks): string[] =>
  Object.keys(tasks).filter((kind) => tasks[kind]?.mayBeCancelled);
