// Tests the signed API while Redis or MySQL does not answer, and while the database is being migrated to another
// version.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { timeouts } from '../../src/database/timeouts.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { useSite } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { publish } from '../support/published.ts';
import { ask, hawkKey, useAddress, type Key } from '../support/signed-client.ts';
import { servers, useWorld } from '../support/world.ts';

const world = useWorld();
const variables: Record<string, string> = {};
let redis: Proxy;
let mysql: Proxy;
beforeAll(async () => {
  const at = servers();
  redis = await openProxy(Number(at.redis.port));
  mysql = await openProxy(Number(at.mysql.port));
  const url = new URL(world.variables.staging['REDIS_URL'] ?? '');
  url.port = String(redis.port);
  Object.assign(variables, {
    REDIS_URL: url.href,
    SQL_DB_PORT: String(mysql.port),
  });
});
const site = useSite(world, 'staging', variables);
const at = useAddress(site);
afterAll(() => {
  redis.close();
  mysql.close();
});
let key: Key;
const page = () => ask(key, `${at.url}/api/v1/table-data/org/name`);
const brief = ({ status, json, headers }: Awaited<ReturnType<typeof ask>>) => [
  status,
  json.error?.code,
  headers['retry-after'],
];

beforeEach(async () => {
  await publish(world.staging, { name: 'org/name', columns: { name: 'text' }, rows: [['x']] });
  key = await hawkKey(site.here, ['dataset:*']);
});

test('S3-60 the signed API refuses requests with 503 and Retry-After without Redis, because it cannot check nonces', async () => {
  expect((await page()).status).toBe(200);
  await redis.refuse();
  expect(brief(await page())).toEqual([503, 'unavailable', '10']);
  await redis.accept();
  for (let round = 0; round < 100 && !site.redis.isReady; round += 1) {
    await new Promise((go) => setTimeout(go, 50));
  }
  expect((await page()).status).toBe(200);
});

test('the signed API refuses requests with 503 and Retry-After while MySQL is not reachable', async () => {
  await mysql.refuse();
  expect(brief(await page())).toEqual([503, 'unavailable', '10']);
  await mysql.accept();
  expect((await page()).status).toBe(200);
});

test('the signed API answers 503 if MySQL stops responding during a request', async () => {
  const before = { ...timeouts };
  Object.assign(timeouts, { slow: 200, silence: 200 });
  mysql.hang('both');
  const answer = await page();
  mysql.heal();
  Object.assign(timeouts, before);
  expect(brief(answer)).toEqual([503, 'unavailable', '10']);
});

test('S3-62 while the database is being migrated to another version, the signed API answers 503 and the health check still answers OK', async () => {
  await writeVersion(world.staging.documents, { databaseVersion: '1.0.0', isUpdating: true });
  for (
    let round = 0;
    round < 100 && (await site.here.compatibility()).kind === 'open';
    round += 1
  ) {
    await new Promise((go) => setTimeout(go, 50));
  }
  expect(brief(await page())).toEqual([503, 'database_updating', '10']);
  for (const path of ['/healthcheck', '/healthcheck/']) {
    const answer = await fetch(at.url + path, { redirect: 'manual' });
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, '{"status":"OK"}']);
  }
});
