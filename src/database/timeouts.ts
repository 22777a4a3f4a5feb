// Timeouts in milliseconds. Tests shorten them.
export const timeouts = {
  /** How long a server may be silent before the connection to it is closed. */
  statement: 60_000,
  /** How long a page waits for another environment, or for Redis. */
  page: 1000,
  /** How long the home page waits for counts of another environment. */
  farCounts: 300,
  /** A count that takes longer than this is repeated less often; meanwhile pages show its last result. */
  slowCount: 250,
  /** How long a server may take to answer a ping. */
  probe: 700,
  /**
   * How long a server may take to answer a ping when the page cannot be shown without this server.
   */
  patientProbe: 2500,
  /**
   * How long a request or command runs before it pings the databases of its own environment, to find out whether they
   * still answer.
   */
  slow: 3000,
  /**
   * How long a database of this environment may leave that ping unanswered before the request or command ends with an
   * error.
   */
  silence: 2000,
  /** A database that takes this long to answer a ping counts as slow. */
  slowAnswer: 1000,
  /** How long a page or a save may take while a database is slow. */
  slowPage: 8000,
  slowSave: 30_000,
  /**
   * How long a failure of another environment’s servers is remembered before they are tried again.
   */
  memory: 30_000,
  /**
   * Answers to a sign-in are sent at multiples of this time, so that their timing does not reveal
   * whether an account exists. The time is longer than one password check on a machine that is not
   * overloaded.
   */
  signIn: 100,
};
