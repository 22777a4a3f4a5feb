// Timeouts in milliseconds. Tests shorten them.
export const timeouts = {
  /** After how long a silence a server’s connection is given up. */
  statement: 60_000,
  /** How long a page waits for another environment, or for Redis. */
  page: 1000,
  /** How long a server may take to answer a ping. */
  probe: 700,
  /** How long a server may take to answer a ping when a page has nothing to show without it. */
  patientProbe: 2500,
  /** After how long a request pings the databases of its own environment. */
  slow: 3000,
  /** How long databases of the own environment may be silent after that before the request ends with an error. */
  silence: 2000,
  /** From which answering time to a ping on a database counts as slow. */
  slowAnswer: 1000,
  /** How long a page or a save may take while a database is slow. */
  slowPage: 8000,
  slowSave: 30_000,
  /** How long a failure of another environment is remembered before its servers are tried again. */
  memory: 30_000,
  /**
   * Answers to a sign-in are sent at multiples of this time, which is longer than one password check takes on a
   * machine that is not overloaded.
   */
  signIn: 100,
};
