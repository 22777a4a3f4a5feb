// Errors that end an attempt at a job early although nothing failed.

export class Interrupted extends Error {}

/** Thrown when another worker has taken over the job. */
export class Overtaken extends Interrupted {}

/** Thrown when a person cancelled the job. */
export class Cancelled extends Interrupted {}

/** Thrown when this process is shutting down; another process continues the job. */
export class Stopping extends Interrupted {}

/** Thrown to end this attempt at a job; the next attempt begins after `delayMs`. */
export class Postponed extends Interrupted {
  readonly delayMs: number;

  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

/**
 * Thrown to end this attempt at a job while its child jobs run; the job continues when they have
 * ended.
 */
export class AwaitingChildren extends Interrupted {}
