// How a kind of job is declared: what it is called, what runs it, and within which limits.
import type { z } from 'zod';
import type { Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Progress } from './attempt.ts';
import type { Child, ChildRequest } from './children.ts';
import type { Job, Priority } from './jobs.ts';

/** What a task knows of the job that it is run for. */
export type Work = {
  here: App;
  job: Job;
  /**
   * Records the progress. Outside of `step`, a new `doing` also begins a new step on the job's page.
   * @throws Interrupted when the job must stop here
   */
  report: (progress: Progress) => Promise<void>;
  /** Runs a named step; one that an earlier attempt finished is not run again, and answers its stored result. */
  step: <T>(name: string, run: () => Promise<T>) => Promise<T>;
  /** Adds a line to the log on the job's page. */
  log: (text: string) => Promise<void>;
  children: {
    /** Requests child jobs, in the caller's transaction if `on` is a connection; known keys are not requested again. */
    request: (on: Queryable, children: ChildRequest[]) => Promise<void>;
    /**
     * All children, once every one of them has ended. Until then the job frees its worker, and `run` begins again
     * when the last child has ended.
     * @throws Interrupted while a child is live
     */
    wait: () => Promise<Child[]>;
  };
  /** Records an item that failed for good; the job itself goes on. */
  deadLetter: (failure: Failure) => Promise<void>;
};

/** An item of a job that failed for good; the payload is what its retry needs. */
export type Failure = { key: string; reason: string; payload: unknown };

/** Milliseconds between attempts, as BullMQ computes them; `longest` is a minute if nothing is declared. */
type Backoff = {
  type: 'fixed' | 'exponential';
  delay: number;
  jitter?: number;
  longest?: number;
};

export type Task = {
  label: string;
  /** How often it is tried while a server does not answer. */
  attempts: number;
  mayBeCancelled: boolean;
  /** A failed or cancelled job may be retried from its page. */
  mayBeRetried?: boolean;
  /** Between attempts; exponential from 5 seconds to a minute if nothing is declared. */
  backoff?: Backoff;
  /** The default of its jobs. */
  priority?: Priority;
  /** How many of this kind run at once in the environment, on all machines together. */
  concurrency?: number;
  /** At most `max` of this kind begin within `perMs`, on all machines together. */
  rate?: { max: number; perMs: number };
  run: (work: Work) => Promise<unknown>;
  /** Retries one dead letter. Runs as a job of its own, perhaps more than once. */
  retryItem?: (work: Work, payload: unknown) => Promise<void>;
  /** How the job's page shows its report. */
  outcome?: Outcome;
};

/** A view, and its locals out of the report of a job and the input that it had. */
type Outcome = { view: string; locals: (report: object, input: object) => object };
export type Tasks = Record<string, Task>;

/** A task with its input, parsed before it runs. */
export const task = <T extends z.ZodType>(
  input: T,
  {
    run,
    ...rest
  }: Omit<Task, 'run'> & { run: (work: Work, input: z.infer<T>) => Promise<unknown> },
): Task => ({ ...rest, run: (work) => run(work, input.parse(JSON.parse(work.job.input))) });

/** Kinds whose jobs may be cancelled, also together with their parent. */
export const cancellableKinds = (tasks: Tasks): string[] =>
  Object.keys(tasks).filter((kind) => tasks[kind]?.mayBeCancelled);
