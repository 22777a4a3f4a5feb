// Reasons why an attempt at a job stops early although nothing failed.

export class Interrupted extends Error {}

/** Thrown when another worker has taken over the job. */
export class Overtaken extends Interrupted {}

/** Thrown when a person cancelled the job. */
export class Cancelled extends Interrupted {}

/** Thrown when this process is shutting down; another one continues the job. */
export class Stopping extends Interrupted {}

/** Thrown to end the attempt; the next one begins after `delayMs`. */
export class Postponed extends Interrupted {
  readonly delayMs: number;

  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

/** Thrown to end the attempt while child jobs run; the job continues when they have ended. */
export class AwaitingChildren extends Interrupted {}
