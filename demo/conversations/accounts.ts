// The accounts of Conversations, the system from which the demo migrates accounts to Oneway. Their channels are
// encrypted with a key that only Conversations has, so nobody can read them in a database; only the API of
// Conversations returns them in plain text.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Item } from './records.ts';

export type Account = {
  id: string;
  name: string;
  /** How many messages the account has; null if Conversations reports no number. */
  messageCount: number | null;
  sealed: Buffer;
};

const applicationKey = randomBytes(32);

export function sealed(content: { brands: Item[]; channels: Item[] }): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', applicationKey, nonce);
  const text = Buffer.concat([cipher.update(asJson(content)), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** Decrypts the brands and channels of an account; returns them as JSON. */
export function unsealed(content: Buffer): Buffer {
  const cipher = createDecipheriv('aes-256-gcm', applicationKey, content.subarray(0, 12));
  cipher.setAuthTag(content.subarray(12, 28));
  return Buffer.concat([cipher.update(content.subarray(28)), cipher.final()]);
}

/**
 * Converts to JSON. A bigint becomes a number with all its digits, although a JavaScript number cannot hold them:
 * systems in other languages write such numbers.
 */
export const asJson = (content: unknown): string =>
  JSON.stringify(content, (_name, value: unknown) =>
    typeof value === 'bigint' ? rawJson(String(value)) : value,
  );

const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (this: void, text: string) => unknown };
