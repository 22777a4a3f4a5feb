// Causes of failures in words, for lists and buttons. Pure functions.
import { count, formatChoice } from '../web/format.ts';
import type { FailureCause, LetterCause } from './overview.ts';

/** A cause as people read it: `channels-rejected` becomes `Channels rejected`. */
export const causeText = (cause: string): string =>
  cause === '' ? 'Unknown' : formatChoice(cause.replaceAll('-', ' '));

export const accountsText = (number: number) =>
  number === 1 ? '1 account' : `${count(number)} accounts`;
export const recordsText = (number: number) =>
  number === 1 ? '1 record' : `${count(number)} records`;

const exampleHref = (account: string) => `/account-moves?q=${encodeURIComponent(account)}`;

/** `most`: how many accounts are retried at once. */
export const failureView = (one: FailureCause, most: number) => ({
  ...one,
  text: causeText(one.cause),
  href: exampleHref(one.example),
  button:
    one.accounts > most
      ? `Retry ${count(most)} of ${accountsText(one.accounts)}`
      : `Retry ${accountsText(one.accounts)}`,
});

export const letterView = (one: LetterCause) => ({
  ...one,
  text: causeText(one.cause),
  href: exampleHref(one.example),
  ofAccounts: accountsText(one.accounts),
  button: `Retry ${recordsText(one.records)}`,
});
