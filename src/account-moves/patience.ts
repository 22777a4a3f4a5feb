// Times in milliseconds, and numbers of tries, of what is asked of the older system. Tests shorten them.
export const patience = {
  /** How long Conversations may take to say whether it knows an account, and for its channels. */
  account: 3000,
  channels: 10_000,
  /** How long the store may take for one answer, and how often it is asked. */
  store: 5000,
  storeAttempts: 5,
  /** How often one record is asked for, and the time before the second try; it doubles. */
  recordAttempts: 5,
  recordDelay: 250,
  /** After how many records in a row that cannot be read the source itself counts as broken. */
  recordsInARow: 10,
  /** After how long a silence an attachment is given up. */
  attachment: 10_000,
};
