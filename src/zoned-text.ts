// Formats times in a time zone, and converts the times in texts that were written in UTC.
import { perZone } from './per-zone.ts';

export const clockOf = perZone((timeZone) => ({
  day: new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone,
  }),
  minute: new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  }),
}));

/** Formats a time with its zone: `21 Nov 2026, 09:30 UTC` */
export function exactlyIn(zone: string, at: Date): string {
  const { day, minute } = clockOf(zone);
  return `${day.format(at)}, ${minute.format(at)}`;
}

/**
 * Matches a time in a message: as the database writes it (`2099-01-01 00:00:00 UTC`), or as jobs format it for people
 * (`1 Jan 2099, 00:00 UTC`).
 */
const UTC_TIME =
  /(\d{4,}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d+)?)? UTC\b|\d{1,2} [A-Z][a-z]{2,3} \d{4}, \d\d:\d\d UTC\b)/;

/** Splits a text at its times in UTC. A time that does not exist, such as on 31 Feb, is text. */
export const splitAtTimes = (text: string): { text: string; at: Date | null }[] =>
  text.split(UTC_TIME).map((part, index) => {
    const at = index % 2 === 1 ? instantOf(part) : null;
    return { text: part, at };
  });

function instantOf(text: string): Date | null {
  const at = new Date(text.replace(',', '').replace(/^(\d+-\d+-\d+) (\S+) UTC$/, '$1T$2Z'));
  return Number.isNaN(at.getTime()) ? null : at;
}

/** Returns a text with its UTC times converted to a time zone. */
export const timesIn = (zone: string, text: string): string =>
  splitAtTimes(text)
    .map((part) => (part.at === null ? part.text : exactlyIn(zone, part.at)))
    .join('');

const zones = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);
/**
 * Returns the time zones that a person can choose, UTC first. `chosen` is added if it is missing: it may have an older
 * name.
 */
export const zoneChoices = (chosen: string) =>
  [...new Set([...zones, chosen])].map((name) => ({ name, isChosen: name === chosen }));

/**
 * Whether a text names a time zone. Browsers also report older names, such as Asia/Calcutta, which are valid although
 * nobody can choose them.
 */
export function isZone(zone: string): boolean {
  if (zones.has(zone)) return true;
  if (!/^[A-Z][\w+-]*(\/[\w+-]+){1,2}$/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A stored zone; null if this version of Node does not know it, such as one that a newer version has stored. */
export const knownZone = (stored: string | null): string | null =>
  stored !== null && isZone(stored) ? stored : null;
