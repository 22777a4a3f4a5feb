// Reasons why an attempt stops early although nothing failed.

export class Interrupted extends Error {}

/** Thrown when another worker has taken over the job. */
export class Overtaken extends Interrupted {}

/** Thrown when a person cancelled the job. */
export class Cancelled extends Interrupted {}

/** This process is shutting down: another one continues the job. */
export class Stopping extends Interrupted {}

/** Thrown to free the worker; the job continues when its child jobs have ended. */
export class AwaitingChildren extends Interrupted {}
