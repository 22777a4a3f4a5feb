// Makes the random secrets of API keys. A key is found by the first characters of its secret, and compared in a time
// that reveals nothing.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const kinds = ['bearer', 'hawk', 'job'] as const;
export type Kind = (typeof kinds)[number];

const prefixes: Record<Kind, string> = { bearer: 'ow', hawk: 'owh', job: 'owj' };

/** Matches the public part of a secret, by which the key is found in the database and named in a list. */
const PUBLIC_PART = /^ow[a-z]?_[\w-]{5}/;

/**
 * A new token, which is sent with each request (of a bearer or job credential). 30 of its 192 random bits are the
 * public part.
 */
export const newToken = (kind: Exclude<Kind, 'hawk'>): string =>
  `${prefixes[kind]}_${randomBytes(24).toString('base64url')}`;

export const publicPartOf = (token: string): string => PUBLIC_PART.exec(token)?.[0] ?? '';

/** A new HAWK key. A HAWK client sends only the id and a signature; the secret is never sent. */
export const newHawkPair = (): { id: string; secret: string } => ({
  id: `${prefixes.hawk}_${randomBytes(12).toString('hex')}`,
  secret: randomBytes(32).toString('base64url'),
});

/**
 * The hash under which a token is stored. The token is long and random, so nobody can guess it from a plain SHA-256.
 */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Whether two hashes are equal, in a time that does not depend on them. */
export const isSameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
