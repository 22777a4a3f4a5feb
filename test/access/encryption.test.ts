// Tests the encryption of secrets that Oneway must decrypt later, such as HAWK secrets, and the settings with the
// keys for it.
import { expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { decrypt, encrypt, encryptionKey } from '../../src/access/encryption.ts';
import { BadSettings, parseSettings } from '../../src/settings.ts';

const newKey = () => randomBytes(32).toString('base64');
const text = newKey();
const current = encryptionKey(text);
const previous = encryptionKey(newKey());

test('a stored secret can be decrypted while the settings have its key, either as the current or as the previous key', () => {
  const encrypted = encrypt(previous, 'the secret', 'owner');
  expect(encrypted.keyId).toBe(previous.id);
  expect(encrypted.text).not.toContain('the secret');
  expect(decrypt({ current: previous, previous: null }, encrypted, 'owner')).toBe('the secret');
  expect(decrypt({ current, previous }, encrypted, 'owner')).toBe('the secret');
  expect(decrypt({ current, previous: null }, encrypted, 'owner')).toBeNull();
  expect(decrypt(null, encrypted, 'owner')).toBeNull();
});

test('a stored secret that was altered, cut or moved to another row cannot be decrypted', () => {
  const keys = { current, previous: null };
  const { keyId, text: whole } = encrypt(current, 'the secret', 'owner');
  const bytes = Buffer.from(whole, 'base64');
  for (let index = 0; index < bytes.length; index += 1) {
    const altered = Buffer.from(bytes);
    altered[index] = (altered[index] ?? 0) ^ 1;
    expect(decrypt(keys, { keyId, text: altered.toString('base64') }, 'owner')).toBeNull();
    const cut = bytes.subarray(0, index).toString('base64');
    expect(decrypt(keys, { keyId, text: cut }, 'owner')).toBeNull();
  }
  expect(decrypt(keys, { keyId, text: whole }, 'another')).toBeNull();
});

test('encrypting the same secret twice never gives the same ciphertext', () => {
  expect(encrypt(current, 'the secret', 'owner').text).not.toBe(
    encrypt(current, 'the secret', 'owner').text,
  );
});

test('logging an encryption key does not reveal it', () => {
  const keys = { current, previous };
  for (const logged of [inspect(keys, { depth: 9, showHidden: true }), JSON.stringify(keys)]) {
    expect(logged).not.toContain(text);
    expect(logged).not.toContain(Buffer.from(text, 'base64').toString('hex'));
  }
});

const settings = {
  ENVIRONMENT: 'development',
  SQL_DB_NAME: 'a',
  SQL_DB_USER: 'a',
  SQL_DB_PASSWORD: 'a',
  SQL_DB_HOST: 'a',
  NOSQL_DB_NAME: 'a',
  NOSQL_DB_USER: 'a',
  NOSQL_DB_PASSWORD: 'a',
  NOSQL_DB_HOST: 'a',
  REDIS_URL: 'redis://127.0.0.1',
  SESSION_SECRET: 'x'.repeat(32),
  STORAGE_URL: 'file:///srv/none',
  SUPPORTED_DATABASE_VERSION: '1',
};

test.each([
  ['too short', { CREDENTIALS_KEY: randomBytes(31).toString('base64') }, 'CREDENTIALS_KEY'],
  ['not base64', { CREDENTIALS_KEY: '!'.repeat(44) }, 'CREDENTIALS_KEY'],
  ['previous key without current key', { CREDENTIALS_KEY_PREVIOUS: text }, 'CREDENTIALS_KEY'],
  ['previous key too short', { CREDENTIALS_KEY: text, CREDENTIALS_KEY_PREVIOUS: 'x' }, 'PREVIOUS'],
])(
  'a wrong setting CREDENTIALS_KEY (%s) is reported with the name of the setting, without its value',
  (_what, wrong, name) => {
    let message = '';
    try {
      parseSettings({ ...settings, ...wrong });
    } catch (error) {
      expect(error).toBeInstanceOf(BadSettings);
      message = (error as Error).message;
    }
    expect(message).toContain(name);
    for (const value of Object.values(wrong)) {
      if (value.length > 1) expect(message).not.toContain(value);
    }
  },
);

test('the setting CREDENTIALS_KEY may be missing or empty', () => {
  expect(parseSettings(settings).credentialsKeys).toBeNull();
  expect(parseSettings({ ...settings, CREDENTIALS_KEY: '' }).credentialsKeys).toBeNull();
  expect(parseSettings({ ...settings, CREDENTIALS_KEY: text }).credentialsKeys?.current.id).toBe(
    current.id,
  );
});
