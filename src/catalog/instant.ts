// Parses timestamps in ISO 8601. The day must exist, and the year must be one that pages and both databases accept.

const years = { first: 1970, last: 9998 };

const iso = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(\.\d{1,3})?(Z|[+-]\d\d:\d\d)?$/;

/**
 * Parses a typed timestamp. Returns the timestamp in UTC with milliseconds, or null if it is
 * invalid. A timestamp without a time zone counts as UTC.
 */
export function parseInstant(text: string): string | null {
  const [, day = '', minute = '', second = ':00', fraction = '', zone = 'Z'] = iso.exec(text) ?? [];
  const local = `${day}T${minute}${second}${fraction.padEnd(4, '.000'.slice(fraction.length))}Z`;
  if (!isSame(local) || !isZone(zone)) return null;
  const instant = new Date(zone === 'Z' ? local : local.slice(0, -1) + zone);
  const year = instant.getUTCFullYear();
  return year >= years.first && year <= years.last ? instant.toISOString() : null;
}

/** Whether a timestamp is on a day that exists. JavaScript would turn 30 February into 2 March. */
function isSame(text: string): boolean {
  const parsed = new Date(text);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === text;
}

const isZone = (zone: string) => zone === 'Z' || /^[+-](0\d|1[0-4]):[0-5]\d$/.test(zone);

/**
 * Returns the last millisecond of a day such as `2026-11-30` in UTC; null for a day that does not
 * exist.
 */
export const endOfDay = (day: string): string | null => parseInstant(`${day}T23:59:59.999Z`);
