// Milliseconds. Tests change them.
export const timeouts = {
  /** How long a server may be silent before it counts as gone. */
  statement: 60_000,
  /** How long a page waits for another environment, and for Redis. */
  page: 1000,
  /** How long servers have to answer the shortest question. */
  probe: 700,
  /** How long they have when a page is nothing without their answer. */
  patientProbe: 2500,
  /** How long a request may take before this environment's own databases are asked whether they answer. */
  slow: 3000,
  /** How long they may be silent then, before the request ends. */
  silence: 2000,
  /** How long the failure of another environment is remembered before its servers are tried again. */
  memory: 30_000,
  /** A sign-in is answered after a whole number of these: one check takes less on a machine that has time for it. */
  signIn: 100,
};
