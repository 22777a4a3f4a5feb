// Creates the random secrets of API keys, and hashes and compares them. A key is looked up by the first characters of
// its secret; then its hash is compared in constant time, so that timing reveals nothing.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const kinds = ['bearer', 'hawk', 'job'] as const;
export type Kind = (typeof kinds)[number];

const prefixes: Record<Kind, string> = { bearer: 'ow', hawk: 'owh', job: 'owj' };

/**
 * Matches the public part of a secret, by which the database finds a key, and by which people recognise the key in a
 * list.
 */
const PUBLIC_PART = /^ow[a-z]?_[\w-]{5}/;

/**
 * Creates the token of a bearer or job credential, which is sent with each request. 30 of the 192
 * random bits of a token are its public part.
 */
export const newToken = (kind: Exclude<Kind, 'hawk'>): string =>
  `${prefixes[kind]}_${randomBytes(24).toString('base64url')}`;

export const publicPartOf = (token: string): string => PUBLIC_PART.exec(token)?.[0] ?? '';

/**
 * Creates a HAWK key. A HAWK client sends only the id of the key and a signature, never the secret.
 */
export const newHawkPair = (): { id: string; secret: string } => ({
  id: `${prefixes.hawk}_${randomBytes(12).toString('hex')}`,
  secret: randomBytes(32).toString('base64url'),
});

/**
 * Returns the hash under which a token is stored. A plain SHA-256 suffices, because the token is
 * too long and random to be guessed.
 */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/**
 * Whether two hashes are equal. The comparison takes constant time, so that timing reveals nothing
 * about the hashes.
 */
export const isSameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
