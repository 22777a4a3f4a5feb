// The zod schemas of field kinds for posted forms. Each error message tells the user what to do.
import { z } from 'zod';
import { cleanLine, cleanLines, withLineFeeds } from '../typed-text.ts';
import { parseInstant } from './instant.ts';

const posted = z
  .union([z.string(), z.array(z.string())], {
    error: 'Enter this again: it did not arrive as text',
  })
  .optional()
  .transform((typed) => [typed ?? ''].flat().join('\n'));

/** The schema of one line of typed text; a missing value counts as empty. */
export const line = posted.transform(cleanLine);
/** The schema of several lines of typed text. */
const lines = posted.transform(cleanLines);

export const lower = (label: string) => label.charAt(0).toLowerCase() + label.slice(1);
export const article = (label: string) => (/^[aeiou]/i.test(label) ? 'an' : 'a');

/**
 * Counts the characters (Unicode code points) of a text, so that an emoji counts as one character,
 * not two.
 */
const length = (text: string) => [...text].length;

type TextRules = {
  max: number;
  optional?: boolean;
  /** Whether the text may have several lines. */
  isLong?: boolean;
  fits?: { test: (text: string) => boolean; message: string };
};

export const textSchema = ({ max, optional, isLong, fits }: TextRules, label: string) =>
  (isLong ? lines : line).superRefine((typed, context) => {
    const say = (message: string) => context.addIssue({ code: 'custom', message });
    if (typed === '' && !optional) say(`Enter ${article(label)} ${lower(label)}`);
    else if (length(typed) > max) {
      say(`${label} must be ${max} characters or fewer. It has ${length(typed)}.`);
    } else if (typed !== '' && fits && !fits.test(typed)) {
      say(`${label} ${fits.message}`);
    }
  });

export const integerSchema = ({ min, max }: { min: number; max: number }, label: string) =>
  line
    .refine((typed) => /^-?\d+$/.test(typed) && Number(typed) >= min && Number(typed) <= max, {
      message: `${label} must be a whole number from ${min} to ${max}`,
    })
    .transform(Number);

/**
 * The schema of the text in a picker (an input with suggestions). It parses the id from `Sunrise Clinic #412`, or from
 * `412` alone. The handler of the posted form checks that row 412 has this title.
 */
export const referenceSchema = (label: string, { optional = false } = {}) =>
  line
    .superRefine((typed, context) => {
      const message = `Choose ${article(label)} ${lower(label)} from the list`;
      if (typed === '' && !optional) context.addIssue({ code: 'custom', message });
      else if (typed !== '' && idAtEnd(typed) === null) {
        context.addIssue({ code: 'custom', message: `${message}, or type its ID as #412` });
      }
    })
    .transform((typed) => idAtEnd(typed));

/** Returns the id at the end of `Sunrise Clinic #412`, `#412` or `412`; null if there is none. */
function idAtEnd(typed: string): number | null {
  const id = Number(/(?:^|#)(\d{1,15})$/.exec(typed)?.[1]);
  return Number.isSafeInteger(id) && id > 0 ? id : null;
}

export const instantSchema = (label: string) =>
  line
    .refine((typed) => typed === '' || parseInstant(typed) !== null, {
      message: `${label} must be a date and time, such as 2026-11-30T09:00`,
    })
    .transform((typed) => parseInstant(typed));

type ListRules = {
  /** The most characters of a line. */
  max: number;
  /** The most lines of the list. */
  lines: number;
};

export const listSchema = ({ max, lines: most }: ListRules, label: string) =>
  posted
    .transform((typed) =>
      withLineFeeds(typed)
        .split('\n')
        .map(cleanLine)
        .filter((one) => one !== ''),
    )
    .superRefine((all, context) => {
      const say = (message: string) => context.addIssue({ code: 'custom', message });
      if (all.length > most) {
        return say(`${label} can have ${most} lines at most. It has ${all.length}.`);
      }
      if (all.some((one) => length(one) > max)) {
        say(`${label}: each line must be ${max} characters or fewer`);
      }
      const twice = all.find((one, index) => all.indexOf(one) !== index);
      if (twice !== undefined) say(`${label}: “${twice}” is listed twice. Remove one of them`);
    });
