// Seals secrets: encrypts them with the public key of one environment, so that only the CREDENTIALS_KEY of that
// environment decrypts them. An environment can thus send a secret to its destination without being able to read the
// secrets stored there.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { sealedParts, sealedText } from '../catalog/secret.ts';
import type { EncryptionKey, EncryptionKeys } from './encryption.ts';

/** The public key that encrypts secrets; `id` names the CREDENTIALS_KEY that decrypts them. */
export type SealingKey = { id: string; key: KeyObject };

/** The PKCS #8 prefix of an X25519 private key; the 32 bytes of the key follow. */
const PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex');
/** The SPKI prefix of an X25519 public key; the 32 bytes of the key follow. */
const PUBLIC = Buffer.from('302a300506032b656e032100', 'hex');

const privateKeyOf = ({ key }: EncryptionKey): KeyObject => {
  const seed = Buffer.from(hkdfSync('sha256', key.export(), '', 'oneway sealing key', 32));
  return createPrivateKey({ key: Buffer.concat([PRIVATE, seed]), format: 'der', type: 'pkcs8' });
};

export const sealingKey = (key: EncryptionKey): SealingKey => ({
  id: key.id,
  key: createPublicKey(privateKeyOf(key)),
});

/**
 * Converts a public key to its 32 bytes in base64; `sealingKeyFrom` converts the text to a key
 * again.
 */
export const publicText = ({ key }: SealingKey): string => bytesOf(key).toString('base64');
export const sealingKeyFrom = (id: string, text: string): SealingKey => ({
  id,
  key: publicKeyFrom(Buffer.from(text, 'base64')),
});

const bytesOf = (key: KeyObject) =>
  key.export({ format: 'der', type: 'spki' }).subarray(PUBLIC.length);
const publicKeyFrom = (bytes: Buffer) =>
  createPublicKey({ key: Buffer.concat([PUBLIC, bytes]), format: 'der', type: 'spki' });

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

type Sealed = { owner: string; since?: string; version?: string };

/**
 * Encrypts a secret for one environment. The ciphertext is bound to `owner`, the field that stores
 * it: copied into another field, the ciphertext cannot be decrypted.
 */
export function seal(
  to: SealingKey,
  secret: string,
  { owner, since = now(), version = randomBytes(4).toString('hex') }: Sealed,
): string {
  const once = generateKeyPairSync('x25519');
  const sender = bytesOf(once.publicKey);
  const key = sharedKey(diffieHellman({ privateKey: once.privateKey, publicKey: to.key }), sender);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(boundTo(owner, since, version));
  const encrypted = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  const data = Buffer.concat([sender, iv, cipher.getAuthTag(), encrypted]).toString('base64url');
  return sealedText({ keyId: to.id, since, version, data });
}

/**
 * Decrypts a sealed secret. Returns null when the settings lack the key of the secret, when the
 * ciphertext was altered, or when the secret belongs to another field.
 */
export function open(keys: EncryptionKeys, text: string, owner: string): string | null {
  const parts = sealedParts(text);
  const found = [keys?.current, keys?.previous].find((one) => one && one.id === parts?.keyId);
  if (!parts || !found) return null;
  const bytes = Buffer.from(parts.data, 'base64url');
  try {
    const sender = bytes.subarray(0, KEY_BYTES);
    const [iv, tag, encrypted] = [
      bytes.subarray(KEY_BYTES, KEY_BYTES + IV_BYTES),
      bytes.subarray(KEY_BYTES + IV_BYTES, KEY_BYTES + IV_BYTES + TAG_BYTES),
      bytes.subarray(KEY_BYTES + IV_BYTES + TAG_BYTES),
    ];
    const privateKey = privateKeyOf(found);
    const key = sharedKey(diffieHellman({ privateKey, publicKey: publicKeyFrom(sender) }), sender);
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(owner, parts.since, parts.version)).setAuthTag(tag);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

/** The present time in whole seconds. Pages show it as the time when the secret was set. */
const now = () => `${new Date().toISOString().slice(0, 19)}Z`;

const boundTo = (...parts: string[]) => Buffer.from(parts.join('\n'));

const sharedKey = (shared: Buffer, sender: Buffer) =>
  Buffer.from(hkdfSync('sha256', shared, sender, 'oneway sealed secret', KEY_BYTES));
