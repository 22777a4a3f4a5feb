// Computes the text that a form shows for a stored value, and whether a posted text equals it. Inputs cannot show line
// breaks, blanks at the ends, or milliseconds. So a field whose posted text equals the shown text was not touched by
// the user and must keep its stored value.
import { cleanLine, withLineFeeds } from '../typed-text.ts';
import { textOf, type Field, type Link, type Links, type Value } from './fields.ts';

/** Returns the one-line text with which a picker (an input with suggestions) shows a row. */
export const pickerText = (title: string, id: number | string): string =>
  `${cleanLine(title)} #${id}`.trim();

/**
 * Matches a timestamp. The first group is the part that a `datetime-local` input shows, without
 * milliseconds and zone.
 */
const localTime = /^(\d{4,}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d+)?Z?$/;

export function shownText(
  { kind, to }: Pick<Field, 'kind' | 'to'>,
  value: Value | undefined,
): string {
  if (Array.isArray(value)) return kind === 'list' ? value.map(String).join('\n') : '';
  if (kind === 'secret') return '';
  if (kind === 'instant') return textOf(value).replace(localTime, '$1');
  return to && !value ? '' : textOf(value);
}

export const isLocalTime = (text: string): boolean => text === '' || localTime.test(text);

export const linksOfValue = (value: Value | undefined): Link[] =>
  Array.isArray(value)
    ? value.filter((one): one is Link => typeof one === 'object' && one !== null)
    : [];

/**
 * Whether the user left a field untouched, so that its posted text equals the text that the form
 * showed. `shown`: the text that a picker showed, with the title that the referenced row had at
 * that time.
 */
export function isUntouched(
  field: Field,
  posted: unknown,
  value: Value | undefined,
  shown?: unknown,
) {
  if (field.kind === 'flag') return [posted].flat().includes('yes') === (value === true);
  if (posted === undefined) return true;
  // The form never shows a secret: an empty input keeps the stored secret, and null removes it.
  if (field.kind === 'secret') return posted === '' || posted === (value ?? null);
  if (field.links) return isSameLines(field.links, posted, linksOfValue(value));
  const text = [posted].flat().map(textIn).join('\n');
  if (field.to && isPicked(text, value, shown)) return true;
  return asPosted(field, text) === asPosted(field, shownText(field, value));
}

const isPicked = (text: string, value: Value | undefined, shown: unknown) =>
  textOf(value) !== '' &&
  (text === `#${textOf(value)}` || (text === shown && text.endsWith(`#${textOf(value)}`)));

/** Returns a text as the browser would post it from the input for this kind of field. */
function asPosted({ kind }: Field, text: string): string {
  // HTML parsers replace the character NUL, so the browser posts another character instead.
  const parsed = text.replaceAll('\0', '\uFFFD');
  if (kind === 'instant')
    return parsed.replace(/^(\d+-\d\d-\d\dT\d\d:\d\d)$/, '$1:00').replace(/\.0+$/, '');
  // HTML ignores a line break at the very start of a textarea.
  if (kind === 'long-text' || kind === 'list') return withLineFeeds(parsed).replace(/^\n/, '');
  return oneLine(parsed);
}

const oneLine = (text: string) => text.replaceAll(/[\r\n]/g, '');

/**
 * Joins the names in one line of links into one text, for comparing shown lines with posted lines.
 */
export const shownLine = ({ parts }: Links, line: Record<string, unknown> | undefined): string =>
  JSON.stringify(parts.map(({ name }) => oneLine(textIn(line?.[name]))));

const textIn = (posted: unknown) => (typeof posted === 'string' ? posted : '');

function isSameLines(links: Links, posted: unknown, value: Link[]): boolean {
  const lines = [posted].flat() as Record<string, unknown>[];
  const filled = lines.filter((line) =>
    links.parts.some(({ name }) => textIn(line?.[name]) !== ''),
  );
  const typed = new Set(filled.map((line) => shownLine(links, line)));
  return filled.length === value.length && value.every((link) => typed.has(shownLine(links, link)));
}
