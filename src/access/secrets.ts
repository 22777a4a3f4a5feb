// Secrets of keys: made at random, recognised by their first characters, compared in constant time.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const kinds = ['bearer', 'hawk', 'job'] as const;
export type Kind = (typeof kinds)[number];

const prefixes: Record<Kind, string> = { bearer: 'ow', hawk: 'owh', job: 'owj' };

/** The part that may be seen: it finds the key in the database and in a list. */
const PUBLIC_PART = /^ow[a-z]?_[\w-]{5}/;

/** A token that is sent as it is: bearer and job. Of 192 random bits, 30 are the public part. */
export const newToken = (kind: Exclude<Kind, 'hawk'>): string =>
  `${prefixes[kind]}_${randomBytes(24).toString('base64url')}`;

export const publicPartOf = (token: string): string => PUBLIC_PART.exec(token)?.[0] ?? '';

/** A HAWK client sends its id; the secret never travels. */
export const newHawkPair = (): { id: string; secret: string } => ({
  id: `${prefixes.hawk}_${randomBytes(12).toString('hex')}`,
  secret: randomBytes(32).toString('base64url'),
});

/** All that is stored of a token. It is random and long, so a plain hash cannot be searched backwards. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Takes as long whatever is given. */
export const isSameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
