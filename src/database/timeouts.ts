// Timeouts in milliseconds. Tests shorten them.
export const timeouts = {
  /** How long a server may be silent before its connection is given up. */
  statement: 60_000,
  /** How long a page waits for another environment and for Redis. */
  page: 1000,
  /** How long servers may take to answer a ping. */
  probe: 700,
  /** How long they may take when a page has nothing to show without their answer. */
  patientProbe: 2500,
  /** How long a request may run before this environment’s own databases are pinged. */
  slow: 3000,
  /** How long these may then be silent before the request is ended with an error. */
  silence: 2000,
  /** The answering time to a ping from which on the databases count as slow. */
  slowAnswer: 1000,
  /** How long a page or a save may take while the databases are slow, before the request ends. */
  slowPage: 8000,
  slowSave: 30_000,
  /** How long a failure of another environment is cached before its servers are tried again. */
  memory: 30_000,
  /**
   * Answers to a sign-in are delayed to a multiple of this time, which is longer than one password check takes on a
   * machine that is not overloaded.
   */
  signIn: 100,
};
