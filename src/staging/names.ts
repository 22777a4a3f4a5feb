// Builds and validates the names of copies (staging databases), such as `cosmos-lab_20261126_0951_david-test`.
import { z } from 'zod';
import { Invalid } from '../problems.ts';

/**
 * The levels (purposes) of staging databases: each key is part of a database name, each value is the label for people.
 */
export const levels = { lab: 'Lab', test: 'Test', ecom: 'E-commerce' } as const;
export type Level = keyof typeof levels;
export const levelSchema = z.enum(
  Object.keys(levels) as [Level, ...Level[]],
  'Choose a level from the list',
);

/**
 * The most bytes that a database name may have: the limit of MongoDB, one less than the limit of
 * MySQL.
 */
const MOST_BYTES = 63;

export const clientSchema = z
  .string({ error: 'Enter the technical name of the client, such as cosmos' })
  .trim()
  .min(1, 'Enter the technical name of the client, such as cosmos')
  .max(40, 'The client must be 40 characters or fewer')
  .regex(
    /^[a-z0-9]+(-[a-z0-9]+)*$/,
    'Use lowercase letters and digits, with single hyphens between them: cosmos, big-client',
  );

export const suffixSchema = z
  .string()
  .trim()
  .default('')
  .refine((suffix) => suffix === '' || /^[a-z0-9]+([-_][a-z0-9]+)*$/.test(suffix), {
    error:
      'Use lowercase letters and digits, with single hyphens or underscores between them: david-test',
  });

export type NameParts = {
  client: string;
  level: Level;
  /** The time in the name of the staging database; null if the name contains no time. */
  at: Date | null;
  suffix: string;
};

/**
 * Builds the name of a staging database from its parts. `timeZone`: the time zone of the time in the name.
 * @throws Invalid if the name is longer than a database server allows
 */
export function nameOf({ client, level, at, suffix }: NameParts, timeZone = 'UTC'): string {
  const name = [`${client}-${level}`, at && stampOf(at, timeZone), suffix]
    .filter(Boolean)
    .join('_');
  const tooMany = Buffer.byteLength(name) - MOST_BYTES;
  if (tooMany <= 0) return name;
  throw new Invalid({
    suffix: `The name would have ${name.length} characters, and ${MOST_BYTES} are allowed. Make the suffix ${tooMany} shorter.`,
  });
}

/** Formats a time as part of a name: `20261126_0951` */
function stampOf(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}${of('month')}${of('day')}_${of('hour')}${of('minute')}`;
}

/**
 * Splits a typed text into database names at spaces, commas and line breaks. Repeated names are
 * returned once.
 */
export const namesIn = (text: string): string[] => [
  ...new Set(text.split(/[\s,]+/).filter(Boolean)),
];
