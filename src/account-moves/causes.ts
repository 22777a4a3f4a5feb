// Texts for the causes of failed migrations and failed records, for lists and buttons. Pure functions.
import { MOST_OPEN } from '../jobs/open-letters.ts';
import { count, formatChoice } from '../web/format.ts';
import type { FailureCause, LetterCause } from './overview.ts';
import type { Handled } from './retries.ts';

/** A cause as people read it: `channels-rejected` becomes `Channels rejected`. */
export const causeText = (cause: string): string =>
  cause === '' ? 'Unknown' : formatChoice(cause.replaceAll('-', ' '));

export const accountsText = (number: number) =>
  number === 1 ? '1 account' : `${count(number)} accounts`;
const recordsText = (number: number) => (number === 1 ? '1 record' : `${count(number)} records`);

const exampleHref = (account: string) => `/account-moves?q=${encodeURIComponent(account)}`;

/**
 * Prepares a cause of failed migrations for the dashboard. `most`: how many accounts one click
 * retries.
 */
export const failureView = (one: FailureCause, most: number) => ({
  ...one,
  text: causeText(one.cause),
  href: exampleHref(one.example),
  button:
    one.accounts > most
      ? `Retry ${count(most)} of ${accountsText(one.accounts)}`
      : `Retry ${accountsText(one.accounts)}`,
});

/**
 * The number of records that one click retries or discards: `12 records`, or `1,000 of 1,002
 * records` if one click does not handle all of them.
 */
export const inOneGo = ({ records }: Pick<LetterCause, 'records'>) =>
  records > MOST_OPEN ? `${count(MOST_OPEN)} of ${recordsText(records)}` : recordsText(records);

export const letterView = (one: LetterCause) => ({
  ...one,
  text: causeText(one.cause),
  href: exampleHref(one.example),
  ofAccounts: accountsText(one.accounts),
  button: `Retry ${inOneGo(one)}`,
});

/** Returns the message that a person sees after retrying or discarding records: `3 records are retried.` */
export function handledText(what: string, { count: number, passed, left }: Handled): string {
  const sentences = [`${recordsText(number)} ${number === 1 ? 'is' : 'are'} ${what}.`];
  if (passed > 0) {
    const were = passed === 1 ? '1 is' : `${count(passed)} are`;
    sentences.push(`${were} passed over: a job retries them, or has ended them meanwhile.`);
  }
  if (left > 0) sentences.push(`${count(left)} more are left: repeat it for the next ones.`);
  return sentences.join(' ');
}

/**
 * Returns the message that a person sees after continuing the migrations of accounts. `passed`: for each skipped
 * account, the reason why it was skipped.
 */
export function continuedText(number: number, passed: string[]): string {
  const goOn =
    number === 1
      ? '1 account goes on where it stopped.'
      : `${accountsText(number)} go on where they stopped.`;
  if (passed.length === 0) return goOn;
  const others = passed.length === 1 ? '1 was' : `${count(passed.length)} were`;
  return `${goOn} ${others} passed over: ${passed[0] ?? ''}`;
}
