// Timeouts in milliseconds and numbers of attempts for requests to the older system, from which accounts are migrated.
// Tests shorten the timeouts.
export const patience = {
  /**
   * How long the older system may take to say whether it knows an account, and to return an account’s
   * channels.
   */
  account: 3000,
  channels: 10_000,
  /** How long the older system’s store may take to answer one request, and how many times a request is tried. */
  store: 5000,
  storeAttempts: 5,
  /**
   * How many times a single record is read until reading succeeds, and the delay before the second attempt; the delay
   * doubles each time.
   */
  recordAttempts: 5,
  recordDelay: 250,
  /** After this many unreadable records in a row, the older system’s store or the dump itself counts as broken. */
  recordsInARow: 10,
  /** How long a media host may be silent before the attempt to read an attachment fails. */
  attachment: 10_000,
};
