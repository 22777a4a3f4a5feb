// The names of copies (staging databases): `cosmos-lab_20261126_0951_david-test`. Pure functions.
import { z } from 'zod';
import { Invalid } from '../problems.ts';

/** The levels (purposes) of copies, as their names contain them, and as people read them. */
export const levels = { lab: 'Lab', test: 'Test', ecom: 'E-commerce' } as const;
export type Level = keyof typeof levels;
export const levelSchema = z.enum(
  Object.keys(levels) as [Level, ...Level[]],
  'Choose a level from the list',
);

/** The most bytes of a database’s name: MongoDB’s limit, one less than MySQL’s. */
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
  /** The time in the name; null for a name without one. */
  at: Date | null;
  suffix: string;
};

/**
 * Makes the name of a copy from its parts; `timeZone` is that of the time in it.
 * @throws Invalid when it is longer than a database server allows
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

/** A time as names contain it: `20261126_0951` */
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

/** The names in a typed text, which separates them by spaces, commas or line breaks; each once. */
export const namesIn = (text: string): string[] => [
  ...new Set(text.split(/[\s,]+/).filter(Boolean)),
];
