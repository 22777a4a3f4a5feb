// Computes when a day begins and ends in the time zone of a person, for example for a filter by date.
import { parseInstant } from '../catalog/instant.ts';
import { offsetAt } from './local-time.ts';

/** Returns the first instant of a day such as `2026-11-30` in a time zone; null for a day that does not exist. */
export function startOfDay(day: string, zone: string): string | null {
  const utc = parseInstant(`${day}T00:00Z`);
  if (utc === null) return null;
  const midnight = Date.parse(utc);
  // On a day when clocks change, the zone’s offset at midnight UTC may differ from its offset at local midnight. So the
  // offset is determined again near local midnight.
  const near = midnight - offsetAt(midnight, zone);
  return new Date(midnight - offsetAt(near, zone)).toISOString();
}

/** Returns the first instant after a day. */
export const endOfDay = (day: string, zone: string): string | null =>
  startOfDay(dayAfter(day), zone);

function dayAfter(day: string): string {
  const utc = parseInstant(`${day}T00:00Z`);
  return utc === null ? '' : new Date(Date.parse(utc) + DAY).toISOString().slice(0, 10);
}

const DAY = 24 * 60 * 60 * 1000;
