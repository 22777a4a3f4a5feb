// Tests that API keys from before the migration app/0009-credentials.sql keep working after it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import request from 'supertest';
import { dropEnvironments, prepareEnvironments } from '../../bin/databases.ts';
import * as credentials from '../../src/access/credentials.ts';
import { createApp } from '../../src/app.ts';
import { available, migrate } from '../../src/database/migrate.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { openRedis, type Redis } from '../../src/environments/redis.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { servers, settingsOf } from '../support/world.ts';

const name = `keys${process.env['VITEST_POOL_ID'] ?? '0'}`;
let here: App;
let redis: Redis;
beforeAll(async () => {
  await dropEnvironments(servers(), name);
  const variables = await prepareEnvironments(servers(), name, () => '/srv/none');
  here = openApp(settingsOf(variables.staging, { LOG_LEVEL: 'silent' }));
  redis = await openRedis(here);
});
afterAll(async () => {
  redis.destroy();
  await here.close();
});

const MIGRATION = 'app/0009-credentials.sql';
const all = 'ow_AbCdEfGhIjKlMnOpQrStUvWxYz012345';
const some = 'ow_ZyXwVuTsRqPoNmLkJiHgFeDcBa543210';
const revoked = 'ow_-_-_0123456789-_abcdefghijklmnop';
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');

test('the credentials migration keeps API keys working, with their scopes and dates', async () => {
  const before = (await available()).filter((one) => one !== MIGRATION && one < 'app/0009');
  await migrate(here.sql, here.documents, { names: before });
  for (const [id, secret, scopes, revokedBy, revokedAt] of [
    [7, all, '["*"]', null, null],
    [8, some, '["form","task"]', null, null],
    [9, revoked, '["form"]', 'rita@example.com', '2026-02-03 04:05:06.789'],
  ]) {
    await here.sql.query(
      `insert into api_key
         (id, name, hint, hash, scopes, created_by, created_at, used_at, revoked_by, revoked_at)
       values (?, 'Android app', ?, ?, ?, 'ops@example.com', '2026-01-02 03:04:05.678',
               '2026-01-03 00:00:00.000', ?, ?)`,
      [id, String(secret).slice(0, 8), hashOf(String(secret)), scopes, revokedBy, revokedAt],
    );
  }
  expect(await migrate(here.sql, here.documents)).toContain(MIGRATION);
  await writeVersion(here.documents, { databaseVersion: currentVersion(), isUpdating: false });
  const app = createApp(here, redis);
  const ask = async (secret: string, entity: string) =>
    (await request(app).get(`/api/v1/${entity}`).set('Authorization', `Bearer ${secret}`)).status;
  expect([await ask(all, 'form'), await ask(all, 'banner')]).toEqual([200, 200]);
  expect([await ask(some, 'form'), await ask(some, 'task')]).toEqual([200, 200]);
  expect([await ask(some, 'banner'), await ask(revoked, 'form')]).toEqual([403, 401]);
  const made = { created_by: 'ops@example.com', created_at: '2026-01-02 03:04:05.678' };
  const found = await credentials.list(here.sql, 'bearer');
  expect(found).toMatchObject([
    { id: 7, scopes: ['catalog:*'], ...made, keys: [{ ...made, state: 'valid' }] },
    { id: 8, scopes: ['catalog:form', 'catalog:task'], keys: [{ public_part: 'ow_ZyXwV' }] },
    {
      id: 9,
      keys: [
        {
          state: 'revoked',
          used_at: '2026-01-03 00:00:00.000',
          revoked_by: 'rita@example.com',
          revoked_at: '2026-02-03 04:05:06.789',
        },
      ],
    },
  ]);
});

test('an API key from before the credentials migration can be rotated like a new key', async () => {
  const { secret } = await credentials.rotate(here, 'ops@example.com', 7, { graceHours: 24 });
  const app = createApp(here, redis);
  for (const token of [all, secret]) {
    const answer = await request(app).get('/api/v1/form').set('Authorization', `Bearer ${token}`);
    expect(answer.status).toBe(200);
  }
});
