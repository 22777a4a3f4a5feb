// Generates the random secrets of keys; they are found by their first characters and compared in constant time.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const kinds = ['bearer', 'hawk', 'job'] as const;
export type Kind = (typeof kinds)[number];

const prefixes: Record<Kind, string> = { bearer: 'ow', hawk: 'owh', job: 'owj' };

/** The public part of a secret: it finds the key in the database and identifies it in a list. */
const PUBLIC_PART = /^ow[a-z]?_[\w-]{5}/;

/** A token that is sent with each request: bearer and job. Of its 192 random bits, 30 are the public part. */
export const newToken = (kind: Exclude<Kind, 'hawk'>): string =>
  `${prefixes[kind]}_${randomBytes(24).toString('base64url')}`;

export const publicPartOf = (token: string): string => PUBLIC_PART.exec(token)?.[0] ?? '';

/** A HAWK client sends only its id; its secret is never transmitted. */
export const newHawkPair = (): { id: string; secret: string } => ({
  id: `${prefixes.hawk}_${randomBytes(12).toString('hex')}`,
  secret: randomBytes(32).toString('base64url'),
});

/** The stored hash of a token. The token is long and random, so a plain SHA-256 cannot be reversed by guessing. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** The comparison takes the same time for every input. */
export const isSameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
