// Encrypts secrets that Oneway must decrypt later, with AES-256-GCM and the key in the setting CREDENTIALS_KEY. The
// id of the key is stored with each ciphertext, so that an operator can replace the key.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

/** The key is a KeyObject, so that it cannot leak into a log, an error or JSON. */
export type EncryptionKey = { id: string; key: KeyObject };

/**
 * The keys in the settings: `current` encrypts and decrypts, `previous` only decrypts. Null when
 * the settings have no key.
 */
export type EncryptionKeys = { current: EncryptionKey; previous: EncryptionKey | null } | null;

export type Encrypted = { keyId: string; text: string };

export const isEncryptionKey = (base64: string): boolean =>
  /^[A-Za-z0-9+/]{43}=$/.test(base64) && Buffer.from(base64, 'base64').length === 32;

/** Makes a key from 32 bytes in base64. */
export function encryptionKey(base64: string): EncryptionKey {
  const bytes = Buffer.from(base64, 'base64');
  const digest = createHash('sha256')
    .update('oneway credentials key\0')
    .update(bytes)
    .digest('hex');
  return { id: digest.slice(0, 8), key: createSecretKey(bytes) };
}

export const encryptionKeys = (current?: string, previous?: string): EncryptionKeys =>
  current
    ? { current: encryptionKey(current), previous: previous ? encryptionKey(previous) : null }
    : null;

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a secret. The ciphertext is bound to `owner`, the row that stores it: copied into
 * another row, the ciphertext cannot be decrypted.
 */
export function encrypt({ id, key }: EncryptionKey, secret: string, owner: string): Encrypted {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner));
  const encrypted = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return {
    keyId: id,
    text: Buffer.concat([iv, cipher.getAuthTag(), encrypted]).toString('base64'),
  };
}

/**
 * Decrypts a secret. Returns null when the settings lack the key of the ciphertext, when the ciphertext was altered, or
 * when it was copied from another row.
 */
export function decrypt(
  keys: EncryptionKeys,
  { keyId, text }: Encrypted,
  owner: string,
): string | null {
  const found = [keys?.current, keys?.previous].find((one) => one?.id === keyId);
  const bytes = Buffer.from(text, 'base64');
  if (!found || bytes.length < IV_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', found.key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(owner))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    const secret = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
    return Buffer.concat([secret, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
