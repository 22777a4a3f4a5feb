// Formats values as text for pages: numbers, sizes, times, field values and differences.
import { diffWordsWithSpace } from 'diff';
import { textOf, type Field, type Link, type Links, type Value } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { isSecret, secretState } from '../catalog/secret.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { fromSqlInstant } from '../database/sql.ts';
import { clockOf, exactlyIn } from '../zoned-text.ts';
import { viewer } from './viewer.ts';

export { lowerFirst };

const numbers = new Intl.NumberFormat('en-GB');
export const count = (number: number) => numbers.format(number);

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** Formats a size: `12 kB`, `3.4 MB` */
export function bytes(size: number): string {
  if (size < 1000) return `${size} bytes`;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const format = {
    style: 'unit',
    unit: units[power] ?? 'byte',
    maximumSignificantDigits: 3,
  } as const;
  return new Intl.NumberFormat('en', format).format(size / 1000 ** power);
}

/** Formats a count with its noun: `3 forms`, `1 form` */
export const plural = (number: number, { one, many }: { one: string; many: string }) =>
  `${count(number)} ${number === 1 ? lowerFirst(one) : lowerFirst(many)}`;

/** Counts new messages: `1 new message`, `12 new messages` */
export const newMessages = (number: number) =>
  plural(number, { one: 'new message', many: 'new messages' });

/** Counts rows by type, as a text: `3 tasks, 1 form` */
export function countsByType(rows: { entity: string }[]): string {
  const counts = new Map<string, number>();
  for (const { entity } of rows) counts.set(entity, (counts.get(entity) ?? 0) + 1);
  return [...counts].map(([name, number]) => plural(number, entityNamed(name).label)).join(', ');
}

/** Converts a MySQL timestamp to ISO 8601. A timestamp in ISO 8601 stays unchanged. */
export const iso = (instant: string) => (instant.endsWith('Z') ? instant : fromSqlInstant(instant));

/**
 * Formats a time: `12 min ago` if it is within the last day, otherwise `21 Nov 2026`. Pages also
 * show the exact time.
 */
export function when(instant: string, now = Date.now()): string {
  const at = new Date(iso(instant));
  if (Number.isNaN(at.getTime())) return instant;
  const minutes = Math.floor((now - at.getTime()) / 60_000);
  if (minutes >= 0 && minutes < 1) return 'just now';
  if (minutes >= 0 && minutes < 60) return `${minutes} min ago`;
  if (minutes >= 0 && minutes < 24 * 60) {
    const hours = Math.floor(minutes / 60);
    return `${hours} ${hours === 1 ? 'hour' : 'hours'} ago`;
  }
  return clockOf(viewer().zone).day.format(at);
}

/** Formats a time in the zone of the person who reads it: `21 Nov 2026, 09:30 UTC` */
export const exactly = (instant: string): string => exactlyOr(instant, viewer().zone);

/** Formats a time for a text that another person reads: pages and e-mails show it in the zone of that person. */
export const exactlyForOthers = (instant: string): string => exactlyOr(instant, 'UTC');

function exactlyOr(instant: string, zone: string): string {
  const at = new Date(iso(instant));
  // Another program may have stored a zero date (0000-00-00), which is no valid date and is shown
  // unchanged.
  return Number.isNaN(at.getTime()) ? instant : exactlyIn(zone, at);
}

/** Formats a day such as `2026-11-21`, which has no zone: `21 Nov 2026` */
export const formatDay = (day: string) => clockOf('UTC').day.format(new Date(`${day}T00:00Z`));
const daysOfCharts = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});

/** Formats a day such as `2026-11-26` for charts: `26 Nov` */
export const shortDay = (day: string) => daysOfCharts.format(new Date(`${day}T00:00:00Z`));

/**
 * Returns the name of the person with this e-mail. A text that is no such e-mail, such as the name of a program, is
 * returned unchanged.
 */
export const personName = (email: string) => viewer().names.get(email) ?? email;

/** Says how many rows of a transfer were undone: `Undone`, or `1 of 10 undone`; null if none was. */
export const undoneText = (undone: number, rows: number): string | null => {
  if (undone === 0) return null;
  return undone < rows ? `${count(undone)} of ${count(rows)} undone` : 'Undone';
};

/** Formats a duration: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min` */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 10) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Formats the value of a field as plain text, for comparing two values and where pages have no
 * template for the kind of the field.
 */
export function formatValue(field: Field, value: Value | undefined): string {
  if (value === undefined || value === null || value === '') return '';
  if (isSecret(field)) return secretText(value);
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (field.kind === 'instant') return exactly(textOf(value));
  const { links } = field;
  if (links && Array.isArray(value)) {
    return (value as Link[]).map((link) => formatLink(links, link)).join('\n');
  }
  if (field.kind === 'choice') return formatChoice(textOf(value));
  if (Array.isArray(value)) return value.map(String).join('\n');
  return textOf(value);
}

/** Describes a secret without its value: `Set since 21 Nov 2026, 09:30 UTC`. */
export function secretText(value: Value): string {
  const { isSet, since } = secretState(value);
  if (!isSet) return '';
  return since === null ? 'Set' : `Set since ${exactly(since)}`;
}

/**
 * Formats a link of a row: the linked name, with further names in brackets, as in `Pune (Metro
 * Cabs)`.
 */
function formatLink({ target, parts }: Links, link: Link): string {
  const beside = parts.flatMap((part) => (part === target ? [] : (link[part.name] ?? [])));
  return `${link[target.name]}${beside.length > 0 ? ` (${beside.join(', ')})` : ''}`;
}

/** Turns a stored name into a label: `long_text` becomes `Long text`. */
export const formatChoice = (choice: string) => {
  const words = choice.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export type Part = { text: string; kind: 'same' | 'removed' | 'added' };

/** Compares two texts word by word. Adjacent changed words count as one change. */
export function wordDiff(before: string, after: string): { before: Part[]; after: Part[] } {
  const sides: { before: Part[]; after: Part[] } = { before: [], after: [] };
  const parts = diffWordsWithSpace(before, after);
  for (const [index, { value, added, removed }] of parts.entries()) {
    const isGap = value.trim() === '' && isChange(parts[index - 1]) && isChange(parts[index + 1]);
    if (removed) append(sides.before, value, 'removed');
    else if (added) append(sides.after, value, 'added');
    else {
      append(sides.before, value, isGap ? 'removed' : 'same');
      append(sides.after, value, isGap ? 'added' : 'same');
    }
  }
  return sides;
}

const isChange = (part: { added?: boolean; removed?: boolean } | undefined) =>
  part?.added === true || part?.removed === true;

function append(parts: Part[], text: string, kind: Part['kind']) {
  const last = parts.at(-1);
  if (last?.kind === kind) last.text += text;
  else parts.push({ text, kind });
}

/**
 * Returns a name for a set of rows: the titles of one or two rows, otherwise the number of rows of
 * each type.
 */
export const nameOfRows = (rows: { entity: string; title: string }[]) =>
  rows.length <= 2 ? rows.map(({ title }) => title).join(' and ') : countsByType(rows);

/** Counts rows in words: `1 row`, `3 rows` */
export const rowsText = (number: number) => (number === 1 ? '1 row' : `${count(number)} rows`);
