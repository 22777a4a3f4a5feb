// Why an attempt stops before its end, without anything having failed.

export class Interrupted extends Error {}

/** Another worker has the job. */
export class Overtaken extends Interrupted {}

/** Someone cancelled the job. */
export class Cancelled extends Interrupted {}

/** The process stops: another one continues. */
export class Stopping extends Interrupted {}

/** The job continues when its children have ended. */
export class AwaitingChildren extends Interrupted {}
