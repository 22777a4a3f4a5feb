// Tests sealed secrets: every environment can encrypt a secret with the public key of another environment, and only
// that environment can decrypt it.
import { expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { encryptionKey } from '../../src/access/encryption.ts';
import { open, publicText, seal, sealingKey, sealingKeyFrom } from '../../src/access/sealing.ts';
import { sealedParts, secretVersion } from '../../src/catalog/secret.ts';

const newKey = () => encryptionKey(randomBytes(32).toString('base64'));
const [current, previous, foreign] = [newKey(), newKey(), newKey()];
const keys = { current, previous };
const owner = 'external_tool.key';
const value = 'SECRET-KEY-123 🔑';

test('a secret that is encrypted for an environment can be decrypted only with the keys of that environment (B3)', () => {
  for (const own of [current, previous]) {
    const published = sealingKeyFrom(own.id, publicText(sealingKey(own)));
    const sealed = seal(published, value, { owner });
    expect(sealed).not.toContain('SECRET');
    expect(open(keys, sealed, owner)).toBe(value);
    expect(open({ current: foreign, previous: null }, sealed, owner)).toBeNull();
    expect(open(null, sealed, owner)).toBeNull();
  }
});

test('a secret that is encrypted for an environment cannot be decrypted after it was altered or moved to another field (B3)', () => {
  const sealed = seal(sealingKey(current), value, { owner });
  expect(open(keys, sealed, 'external_tool.other')).toBeNull();
  const since = sealedParts(sealed)?.since ?? '';
  expect(open(keys, sealed.replace(since, '2020-01-01T00:00:00Z'), owner)).toBeNull();
  const end = sealed.endsWith('A') ? 'B' : 'A';
  expect(open(keys, sealed.slice(0, -2) + end + sealed.slice(-1), owner)).toBeNull();
  expect(open(keys, 'sealed.1.', owner)).toBeNull();
});

test('the longest secret still fits its column after encryption, and encrypting it twice gives different texts (B3)', () => {
  const long = '🔑'.repeat(200);
  const [one, other] = [1, 2].map(() => seal(sealingKey(current), long, { owner }));
  expect(one?.length).toBeLessThan(2000);
  expect(sealedParts(one)).not.toBeNull();
  expect(one).not.toBe(other);
  expect(secretVersion(one ?? '')).not.toBe(secretVersion(other ?? ''));
});
