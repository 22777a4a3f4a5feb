// Tests that the package hawk verifies requests with HAWK keys that Oneway stored in a real database.
import { beforeAll, expect, test } from 'vitest';
import { client, server } from 'hawk';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import * as credentials from '../../src/access/credentials.ts';
import { encryptAgain, hawkKeyOf, noteUse } from '../../src/access/verification.ts';
import { select, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const ops = 'ops@example.com';
const url = 'http://datasets.example.com/api/v1/prices';
const newKey = () => randomBytes(32).toString('base64');
const firstKey = newKey();
const secondKey = newKey();

const world = useWorld();
let here: App;
const withKeys = (also: Record<string, string>): App => {
  const app = openApp(settingsOf(world.variables.staging, { CREDENTIALS_KEY: '', ...also }));
  world.onClose(() => app.close());
  return app;
};
beforeAll(() => {
  here = withKeys({ CREDENTIALS_KEY: firstKey });
});
const make = (expiresAt: Date | null = null) =>
  credentials.create(here, ops, {
    kind: 'hawk',
    name: 'Prices client',
    scopes: ['dataset:*'],
    expiresAt,
  });

/**
 * Signs a request as a client does, and verifies the request with the package hawk and the key in
 * the database of `app`. Returns 'verified', or the reason why the request is refused.
 */
async function request(app: App, id: string, key: string): Promise<string> {
  const { header } = client.header(url, 'GET', { credentials: { id, key, algorithm: 'sha256' } });
  const asked = {
    method: 'GET',
    url: '/api/v1/prices',
    headers: { host: 'datasets.example.com:80', authorization: header },
  } as IncomingMessage;
  let refused: string | null = null;
  try {
    await server.authenticate(asked, async (given) => {
      const verified = await hawkKeyOf(app.sql, app.settings.credentialsKeys, given);
      refused = verified.refused;
      if (!verified.holder) throw new Error(verified.refused);
      return verified.hawk;
    });
    return 'verified';
  } catch (error) {
    return refused ?? (error as Error).message;
  }
}

test('a HAWK key that Oneway created and stored encrypted verifies a request signed with its secret', async () => {
  const { publicPart, secret, credential } = await make();
  expect(await request(here, publicPart, secret)).toBe('verified');
  const { holder } = await hawkKeyOf(here.sql, here.settings.credentialsKeys, publicPart);
  expect(holder).toMatchObject({ id: credential, scopes: ['dataset:*'] });
  expect((await credentials.list(here.sql))[0]?.keys[0]?.used_at).toBeNull();
  if (holder) await noteUse(here.sql, holder);
  expect((await credentials.list(here.sql))[0]?.keys[0]?.used_at).not.toBeNull();
});

test('a request with a wrong HAWK secret or an unknown id is not verified', async () => {
  const { publicPart, secret } = await make();
  expect(await request(here, publicPart, `${secret.slice(0, -1)}_`)).toBe('Bad mac');
  expect(await request(here, `${publicPart}0`, secret)).toBe('unknown');
});

test('a revoked HAWK key verifies no request', async () => {
  const { publicPart, secret, credential } = await make();
  await credentials.revoke(here, ops, credential);
  expect(await request(here, publicPart, secret)).toBe('revoked');
});

test('an expired HAWK key verifies no request', async () => {
  const { publicPart, secret } = await make(new Date(Date.now() + 60_000));
  expect(await request(here, publicPart, secret)).toBe('verified');
  await here.sql.query('update credential_key set expires_at = utc_timestamp(3)');
  expect(await request(here, publicPart, secret)).toBe('expired');
});

test('HAWK requests are refused when the setting CREDENTIALS_KEY is missing or was replaced by another key', async () => {
  const { publicPart, secret } = await make();
  const without = withKeys({});
  const withAnother = withKeys({ CREDENTIALS_KEY: secondKey });
  expect(await request(without, publicPart, secret)).toBe('unreadable');
  expect(await request(withAnother, publicPart, secret)).toBe('unreadable');
  const wanted = { kind: 'hawk', name: 'Another', scopes: ['dataset:*'] } as const;
  await expect(credentials.create(without, ops, wanted)).rejects.toMatchObject({ status: 422 });
});

test('a HAWK secret is stored only encrypted, and appears in no list and not in the audit log', async () => {
  const { secret } = await make();
  const [keys] = await here.sql.query('select * from credential_key');
  const [audit] = await here.sql.query('select * from audit');
  const listed = await credentials.list(here.sql);
  const settings = inspect(here.settings.credentialsKeys, { depth: 9 });
  const shown = JSON.stringify([keys, audit, listed]) + settings;
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(Buffer.from(secret).toString('base64').slice(0, 40));
  expect(shown).not.toContain(firstKey);
});

test('an encrypted secret that was copied onto another HAWK key verifies no request', async () => {
  const one = await make();
  const other = await make();
  await here.sql.query(
    `update credential_key other, credential_key one set other.encrypted_secret = one.encrypted_secret
      where one.public_part = ? and other.public_part = ?`,
    [one.publicPart, other.publicPart],
  );
  expect(await request(here, other.publicPart, one.secret)).toBe('unreadable');
});

test('while a HAWK key is rotated, both the old and the new key verify requests', async () => {
  const former = await make();
  const next = await credentials.rotate(here, ops, former.credential, { graceHours: 24 });
  expect(next.publicPart).not.toBe(former.publicPart);
  expect(await request(here, former.publicPart, former.secret)).toBe('verified');
  expect(await request(here, next.publicPart, next.secret)).toBe('verified');
});

test('HAWK keys keep working while an operator replaces CREDENTIALS_KEY and encrypts the secrets again', async () => {
  const { publicPart, secret } = await make();
  const both = withKeys({ CREDENTIALS_KEY: secondKey, CREDENTIALS_KEY_PREVIOUS: firstKey });
  const changed = withKeys({ CREDENTIALS_KEY: secondKey });
  expect(await request(both, publicPart, secret)).toBe('verified');
  expect(await request(changed, publicPart, secret)).toBe('unreadable');
  const keys = both.settings.credentialsKeys;
  if (!keys || !changed.settings.credentialsKeys) throw new Error('no keys');
  const alone = await encryptAgain(here.sql, changed.settings.credentialsKeys);
  expect(alone).toEqual({ encrypted: 0, unreadable: [publicPart] });
  expect(await encryptAgain(here.sql, keys)).toEqual({ encrypted: 1, unreadable: [] });
  expect(await encryptAgain(here.sql, keys)).toEqual({ encrypted: 0, unreadable: [] });
  expect(await request(changed, publicPart, secret)).toBe('verified');
  const [line] = await select(here.sql, sql`select encryption_key from credential_key`);
  expect(line).toEqual({ encryption_key: keys.current.id });
});
