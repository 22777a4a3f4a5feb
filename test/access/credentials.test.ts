// Tests API tokens in a real database: creating, checking, rotating, expiring and revoking them.
import { beforeAll, describe, expect, test } from 'vitest';
import * as credentials from '../../src/access/credentials.ts';
import { verifyToken } from '../../src/access/verification.ts';
import { select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { useWorld } from '../support/world.ts';

const ops = 'ops@example.com';
const DAY = 24 * 60 * 60 * 1000;

const world = useWorld();
let here: App;
beforeAll(() => {
  here = world.staging;
});

const make = (facts: Partial<credentials.WantedCredential> = {}) =>
  credentials.create(here, ops, {
    kind: 'bearer',
    name: 'Android app',
    scopes: ['catalog:task'],
    ...facts,
  });
const check = (token: string, kind: 'bearer' | 'job' = 'bearer') =>
  verifyToken(here.sql, kind, token);
const refusalOf = async (token: string) => (await check(token)).refused;
const only = async () => (await credentials.list(here.sql))[0];
const expireAt = (expression: string, publicPart: string) =>
  here.sql.query(`update credential_key set expires_at = ${expression} where public_part = ?`, [
    publicPart,
  ]);

describe('how API tokens are stored, checked, expired and revoked', () => {
  test('an API token is stored only as its SHA-256 hash', async () => {
    const { secret, publicPart } = await make();
    expect(secret.startsWith(publicPart)).toBe(true);
    const [keys] = await here.sql.query('select * from credential_key');
    const [audit] = await here.sql.query('select * from audit');
    expect(JSON.stringify([keys, audit])).not.toContain(secret);
    expect(JSON.stringify(keys)).toContain(publicPart);
  });

  test('checking an API token returns its name and scopes, and records when it was last used', async () => {
    const { secret, credential } = await make({ scopes: ['catalog:task', 'dataset:*'] });
    expect((await only())?.keys[0]?.used_at).toBeNull();
    expect(await check(secret)).toMatchObject({
      holder: { id: credential, name: 'Android app', scopes: ['catalog:task', 'dataset:*'] },
      refused: null,
    });
    expect((await only())?.keys[0]?.used_at).not.toBeNull();
  });

  test('an API token that was altered, shortened, lengthened or sent as another kind of token is refused as unknown', async () => {
    const { secret } = await make();
    const last = secret.endsWith('A') ? 'B' : 'A';
    const others = [`${secret.slice(0, -1)}${last}`, secret.slice(0, -1), `${secret}A`, '', 'ow_'];
    for (const wrong of others) expect([wrong, await refusalOf(wrong)]).toEqual([wrong, 'unknown']);
    expect((await check(secret, 'job')).refused).toBe('unknown');
  });

  test('two API tokens that begin with the same characters are not confused with each other', async () => {
    const one = await make();
    const other = await make({ name: 'Other app' });
    await here.sql.query('update credential_key set public_part = ?', [one.publicPart]);
    await here.sql.query(
      "update credential_key set hash = sha2('x', 256) where credential_id = ?",
      [other.credential],
    );
    expect((await check(one.secret)).holder?.id).toBe(one.credential);
    expect(await refusalOf(`${one.secret.slice(0, -2)}__`)).toBe('unknown');
  });

  test('an API token stops working when it expires', async () => {
    const { secret, publicPart } = await make({ expiresAt: new Date(Date.now() + DAY) });
    expect((await only())?.keys[0]?.state).toBe('expiring');
    expect(await refusalOf(secret)).toBeNull();
    await expireAt('utc_timestamp(3)', publicPart);
    expect(await refusalOf(secret)).toBe('expired');
    expect((await only())?.keys[0]?.state).toBe('expired');
  });

  test('an API token stops working when it is revoked, and the list of keys names the first person who revoked it', async () => {
    const { secret, credential } = await make();
    await credentials.revoke(here, 'rita@example.com', credential);
    expect(await refusalOf(secret)).toBe('revoked');
    await credentials.revoke(here, 'someone-else@example.com', credential);
    expect((await only())?.keys[0]).toMatchObject({
      state: 'revoked',
      revoked_by: 'rita@example.com',
    });
  });

  test('an API token for a job cannot be created without an expiry date', async () => {
    const wanted = { kind: 'job', name: 'Job 42', scopes: ['job:42'] } as const;
    await expect(make(wanted)).rejects.toMatchObject({
      fields: { expiresAt: expect.any(String) },
    });
    const { secret } = await make({ ...wanted, expiresAt: new Date(Date.now() + DAY) });
    expect(secret).toMatch(/^owj_/);
    expect((await check(secret, 'job')).holder?.scopes).toEqual(['job:42']);
  });

  test.each([
    [{ name: ' ' }, 'name'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['*'] }, 'scopes'],
    [{ expiresAt: new Date(0) }, 'expiresAt'],
  ])(
    'creating an API token with the invalid value %j is refused with an error at that field',
    async (facts, field) => {
      await expect(make(facts)).rejects.toMatchObject({ fields: { [field]: expect.any(String) } });
      expect(await credentials.list(here.sql)).toEqual([]);
    },
  );
});

describe('rotating an API key', () => {
  test('after an API key is rotated, the old and the new key work until the grace period of the old one ends', async () => {
    const former = await make();
    const next = await credentials.rotate(here, ops, former.credential, { graceHours: 24 });
    expect([await refusalOf(former.secret), await refusalOf(next.secret)]).toEqual([null, null]);
    expect((await only())?.keys).toMatchObject([
      { public_part: next.publicPart, state: 'valid', expires_at: null },
      { public_part: former.publicPart, state: 'expiring' },
    ]);
    await expireAt('utc_timestamp(3)', former.publicPart);
    expect(await refusalOf(former.secret)).toBe('expired');
    expect(await refusalOf(next.secret)).toBeNull();
  });

  test('rotating an API key from an outdated page does not end a key that was created after the page was opened (F16)', async () => {
    const former = await make();
    const seen = (await only())?.keys[0]?.id ?? 0;
    const next = await credentials.rotate(here, ops, former.credential, { graceHours: 0, seen });
    const late = credentials.rotate(here, ops, former.credential, { graceHours: 0, seen });
    await expect(late).rejects.toMatchObject({ status: 409 });
    expect(await refusalOf(next.secret)).toBeNull();
  });

  test('revoking the old API key during a rotation leaves the new key working', async () => {
    const former = await make();
    const next = await credentials.rotate(here, ops, former.credential, { graceHours: 24 });
    const id = (await only())?.keys.find((key) => key.public_part === former.publicPart)?.id ?? 0;
    await credentials.revoke(here, ops, former.credential, id);
    expect(await refusalOf(former.secret)).toBe('revoked');
    expect(await refusalOf(next.secret)).toBeNull();
  });

  test('rotating an API key that expires before the grace period ends does not extend its life', async () => {
    const former = await make({ expiresAt: new Date(Date.now() + DAY) });
    const before = (await only())?.keys[0]?.expires_at;
    await credentials.rotate(here, ops, former.credential, { graceHours: 240 });
    expect((await only())?.keys[1]?.expires_at).toBe(before);
  });

  test('rotating an API key without a grace period ends the old key at once', async () => {
    const former = await make();
    await credentials.rotate(here, ops, former.credential, { graceHours: 0 });
    expect(await refusalOf(former.secret)).toBe('expired');
  });

  test('rotating a credential (an app, client or job) is refused while it has two working keys, and when it has none', async () => {
    const { credential } = await make();
    await credentials.rotate(here, ops, credential, { graceHours: 24 });
    const again = () => credentials.rotate(here, ops, credential, { graceHours: 24 });
    await expect(again()).rejects.toMatchObject({ status: 409 });
    await credentials.revoke(here, ops, credential);
    await expect(again()).rejects.toMatchObject({ status: 409 });
  });

  test('ten simultaneous requests to rotate an API key create only one new key', async () => {
    const { credential } = await make();
    const asked = Array.from({ length: 10 }, () =>
      credentials.rotate(here, ops, credential, { graceHours: 24 }),
    );
    const done = await Promise.allSettled(asked);
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await only())?.keys).toHaveLength(2);
  });
});

test('creating, rotating and revoking an API key is recorded in the audit log, with the person who did it', async () => {
  const { credential } = await make();
  await credentials.rotate(here, ops, credential, { graceHours: 24 });
  await credentials.revoke(here, ops, credential);
  const lines = await select(here.sql, sql`select person, action, subject from audit order by id`);
  expect(lines).toEqual(
    ['made an API key', 'rotated an API key', 'revoked an API key'].map((action) => ({
      person: ops,
      action,
      subject: 'Android app',
    })),
  );
});

test('revoking or rotating an API key that does not exist fails with status 404', async () => {
  const { credential } = await make();
  for (const ask of [
    () => credentials.revoke(here, ops, 999),
    () => credentials.revoke(here, ops, credential, 999),
    () => credentials.rotate(here, ops, 999, { graceHours: 1 }),
  ]) {
    await expect(ask()).rejects.toMatchObject({ status: 404 });
  }
});
