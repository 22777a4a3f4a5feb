// Cleans typed and pasted texts: normalises them to Unicode NFC, and removes control characters and characters that
// change the reading order.
import { z } from 'zod';

/**
 * Matches a visible character. White space, control characters, joiners, fillers and marks are invisible by
 * themselves.
 */
const visible =
  /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/u;

/** Whether a text has at least one visible character. */
export const isVisible = (text: string): boolean => visible.test(text);

/** Matches characters that make a text appear in an order other than the stored order. */
const reordering = /[\u202A-\u202E\u2066-\u206F]/gu;
const directionMarks = /[\u200E\u200F\u061C]/gu;
const controls = /\p{Cc}/gu;
const controlsButLines = /(?![\t\n])\p{Cc}/gu;

/** Cleans typed text to one line. The result is empty when the text has no visible character. */
export function cleanLine(typed: string): string {
  const line = typed
    .replaceAll(/[\t\r\n\u2028\u2029]+/g, ' ')
    .replaceAll(controls, '')
    .replaceAll(reordering, '')
    .replaceAll(directionMarks, '');
  return orNothing(line);
}

/**
 * Cleans typed text of several lines. Direction marks are kept, because texts that mix
 * left-to-right and right-to-left scripts need them.
 */
export function cleanLines(typed: string): string {
  const lines = withLineFeeds(typed).replaceAll(controlsButLines, '').replaceAll(reordering, '');
  return orNothing(lines);
}

/** Replaces CR LF, which browsers post as line ends, with line feeds. */
export const withLineFeeds = (text: string): string => text.replaceAll(/\r\n?/g, '\n');

const orNothing = (text: string) => (isVisible(text) ? text.normalize('NFC').trim() : '');

/**
 * The schema of a required name: one line with at least one visible character, and with at most
 * `max` characters. `missing` is the message for an empty name.
 */
export const requiredLine = (missing: string, max: number, label = 'Name') =>
  z
    .string({ error: missing })
    .transform(cleanLine)
    .pipe(z.string().min(1, missing))
    .refine((line) => [...line].length <= max, `${label} must be ${max} characters or fewer`);
