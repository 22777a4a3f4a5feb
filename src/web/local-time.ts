// Converts between instants in UTC and the local times of a time zone that people type: `2026-10-25T02:30`. When clocks
// go forward, an hour of local times does not exist; when they go back, an hour exists twice.
import { parseInstant } from '../catalog/instant.ts';
import { perZone } from '../per-zone.ts';

const two = '2-digit';
const clockOf = perZone(
  (timeZone) =>
    new Intl.DateTimeFormat('en-GB', {
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
      hourCycle: 'h23',
      timeZone,
    }),
);

/** Returns the local time of an instant in a zone, in whole seconds: `2026-11-30T09:00:00` */
export function localTimeOf(instant: string, zone: string): string {
  const parts = clockOf(zone).formatToParts(new Date(instant));
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}:${of('second')}`;
}

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(\.\d{1,3})?$/;

/**
 * Splits a typed local time into whole seconds and a fraction; null if the text is no time, or contains a time zone.
 */
export function typedLocalTime(typed: string): { local: string; fraction: string } | null {
  const [, minute = '', second = ':00', fraction = ''] = pattern.exec(typed) ?? [];
  const local = `${minute}${second}`;
  return parseInstant(local) === null ? null : { local, fraction };
}

/**
 * Whether a stored timestamp can be shown in the person’s time zone. Years that are out of range, which only other
 * programs store, are shown in UTC.
 */
export const hasLocalTime = (instant: string): boolean =>
  instant.endsWith('Z') && parseInstant(instant) !== null;

/** Returns by how many milliseconds the clocks of a zone are ahead of UTC at an instant in whole seconds. */
export const offsetAt = (instant: number, zone: string): number =>
  Date.parse(`${localTimeOf(new Date(instant).toISOString(), zone)}Z`) - instant;

const DAY = 24 * 60 * 60 * 1000;

/**
 * Returns the instants with this local time, the earlier one first: none if clocks skip the time,
 * two if it exists twice. `local` has whole seconds.
 */
export function instantsAt(local: string, zone: string): string[] {
  const asUtc = Date.parse(`${local}Z`);
  // A zone changes its offset at most once within two days.
  const offsets = [-DAY, DAY].map((shift) => offsetAt(asUtc + shift, zone));
  const found = [...new Set(offsets)].map((offset) => new Date(asUtc - offset).toISOString());
  return found.filter((instant) => localTimeOf(instant, zone) === local).toSorted();
}
