// Signs values that the server gives to a browser and later gets back. The browser can read such a value, but the
// server notices a change.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';

/**
 * The secret and the purpose of a signature. A value that was signed for one purpose is not
 * accepted for another purpose.
 */
export type Seal = { secret: string; purpose: string };

export function seal(by: Seal, value: unknown): string {
  const text = Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${text}.${signatureOf(by, text)}`;
}

/** Returns a signed value if its signature is right; otherwise null. */
export function unseal<T extends z.ZodType>(
  by: Seal,
  schema: T,
  sealed: string,
): z.infer<T> | null {
  const [text = '', signature = ''] = sealed.split('.');
  if (!isSecret(signature, signatureOf(by, text))) return null;
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    return null;
  }
}

export const signatureOf = ({ secret, purpose }: Seal, text: string): string =>
  createHmac('sha256', secret).update(`${purpose}\n${text}`).digest('base64url');

/**
 * Whether a given secret is the expected one. The comparison takes equally long wherever the two
 * secrets differ, so that its time reveals nothing about the expected secret.
 */
export function isSecret(given: unknown, expected: string | undefined): boolean {
  if (typeof given !== 'string' || !expected) return false;
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
