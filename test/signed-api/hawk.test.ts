// S3-04 S3-60 Tests signed requests over HTTP: which requests are accepted, which are refused and why, and the
// signature of the responses.
import { beforeEach, describe, expect, test } from 'vitest';
import { request } from 'node:http';
import { client } from 'hawk';
import * as credentials from '../../src/access/credentials.ts';
import { REQUESTS } from '../../src/signed-api/hawk.ts';
import { useSite } from '../support/people.ts';
import { publish } from '../support/published.ts';
import { ask, hawkKey, useAddress, type Key } from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const at = useAddress(site);
let key: Key;
let url: string;
const now = () => Math.floor(Date.now() / 1000);
const codeOf = ({ status, json }: Awaited<ReturnType<typeof ask>>) => [status, json.error?.code];

beforeEach(async () => {
  const rows = Array.from({ length: 20 }, (_, index) => [`City ${index}`, index]);
  await publish(site.here, {
    name: 'statistics/cities',
    columns: { name: 'text', n: 'integer' },
    rows,
  });
  key = await hawkKey(site.here, ['dataset:*']);
  url = `${at.url}/api/v1/table-data/statistics/cities?orientation=records`;
});

describe('signatures of the responses of the signed API', () => {
  test('S3-04 S3-60 the response to a signed API request has a valid HAWK signature, also for a HEAD request and with gzip', async () => {
    const plain = await ask(key, url);
    expect([plain.status, plain.isSigned, plain.headers['content-encoding']]).toEqual([
      200,
      true,
      undefined,
    ]);
    const zipped = await ask(key, `${at.url}/api/v1/table-data/statistics/cities`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect([zipped.status, zipped.isSigned]).toEqual([200, true]);
    const large = await ask(key, url, { headers: { 'accept-encoding': 'gzip, br' } });
    expect([large.text, large.isSigned]).toEqual([plain.text, true]);
    const head = await ask(key, url, { method: 'HEAD' });
    expect([head.status, head.text, head.isSigned]).toEqual([200, '', true]);
    expect(head.headers['content-length']).toBe(plain.headers['content-length']);
  });

  test('the signed API signs a large response before it compresses the response', async () => {
    const rows = Array.from({ length: 100 }, (_, index) => [`City ${index}`, index]);
    await publish(site.here, {
      name: 'statistics/cities',
      columns: { name: 'text', n: 'integer' },
      rows,
    });
    const zipped = await ask(key, url, { headers: { 'accept-encoding': 'gzip' } });
    const plain = await ask(key, url, { headers: { 'accept-encoding': 'identity' } });
    expect([zipped.headers['content-encoding'], zipped.isSigned, plain.isSigned]).toEqual([
      'gzip',
      true,
      true,
    ]);
    expect(zipped.text).toBe(plain.text);
    expect(Number(zipped.headers['content-length'])).toBeLessThan(plain.text.length / 2);
  });

  test('S3-60 the signed API verifies signatures against the host in ENVIRONMENT_URLS, because a proxy may change the Host header', async () => {
    const own = site.here.settings.urls;
    own['staging'] = 'https://data.example.com';
    const signed = url.replace(at.url, 'https://data.example.com');
    const answer = await ask(key, signed, { to: url, headers: { host: 'data-internal:8080' } });
    expect([answer.status, answer.isSigned]).toEqual([200, true]);
    const byHost = await ask(key, url);
    expect(codeOf(byHost)).toEqual([401, 'bad_signature']);
    own['staging'] = 'https://data.example.com:8443';
    const withPort = url.replace(at.url, 'https://data.example.com:8443');
    expect((await ask(key, withPort, { to: url })).status).toBe(200);
    delete own['staging'];
    expect((await ask(key, url)).status).toBe(200);
    own['staging'] = at.url;
  });

  test('the signed API also signs a 404 response if the signature of the request was right', async () => {
    const answer = await ask(key, `${at.url}/api/v1/table-data/statistics/none`);
    expect([codeOf(answer), answer.isSigned]).toEqual([[404, 'not_found'], true]);
  });

  test('the signed API accepts the old and the new key of a client during a rotation, and records the use of each key', async () => {
    const [own] = await credentials.list(site.here.sql, 'hawk');
    const next = await credentials.rotate(site.here, 'ops@example.com', own?.id ?? 0, {
      graceHours: 1,
    });
    const other: Key = { id: next.publicPart, key: next.secret, algorithm: 'sha256' };
    expect([(await ask(key, url)).status, (await ask(other, url)).status]).toEqual([200, 200]);
    const [used] = await credentials.list(site.here.sql, 'hawk');
    expect(used?.keys.map(({ used_at: at }) => at !== null)).toEqual([true, true]);
    await credentials.revoke(site.here, 'ops@example.com', own?.id ?? 0);
    expect(codeOf(await ask(other, url))).toEqual([401, 'revoked_key']);
  });
});

describe('requests that the signed API refuses with 401', () => {
  test('the signed API refuses a request without a HAWK signature or with a malformed one', async () => {
    const answers = await Promise.all(
      ['', 'Bearer ow_abc', 'Hawk', 'Hawk nonsense', 'Hawk id="a"', `Hawk ${'x'.repeat(5000)}`].map(
        (authorization) => ask(key, url, { authorization }),
      ),
    );
    expect(answers.map(codeOf)).toEqual([
      [401, 'unsigned'],
      [401, 'unsigned'],
      [401, 'malformed'],
      [401, 'malformed'],
      [401, 'malformed'],
      [401, 'malformed'],
    ]);
    expect(answers.every(({ headers }) => headers['www-authenticate']?.startsWith('Hawk'))).toBe(
      true,
    );
    expect(answers.some(({ isSigned }) => isSigned)).toBe(false);
  });

  test('the signed API refuses an unknown key id with 401, and not with a server error (S3-60)', async () => {
    expect(codeOf(await ask({ ...key, id: `${key.id}0` }, url))).toEqual([401, 'unknown_key']);
    expect(codeOf(await ask({ ...key, id: "' or 1=1" }, url))).toEqual([401, 'unknown_key']);
  });

  test('the signed API refuses a signature with a wrong key or a wrong algorithm', async () => {
    expect(codeOf(await ask({ ...key, key: 'wrong' }, url))).toEqual([401, 'bad_signature']);
    expect(codeOf(await ask({ ...key, algorithm: 'sha1' as never }, url))).toEqual([
      401,
      'bad_signature',
    ]);
  });

  test('the signed API refuses a request whose path, query or method differs from the signed one', async () => {
    for (const to of [
      url.replace('cities', 'towns'),
      `${url}&version=1`,
      url.replace('records', 'tabular'),
      url.split('?')[0] ?? '',
    ]) {
      expect(codeOf(await ask(key, url, { to }))).toEqual([401, 'bad_signature']);
    }
    const { header } = client.header(url, 'HEAD', { credentials: key });
    expect(codeOf(await ask(key, url, { authorization: header }))).toEqual([401, 'bad_signature']);
  });

  test('the signed API refuses a replayed request, also if it is sent at the same time or with a blank after the key id', async () => {
    const { header } = client.header(url, 'GET', { credentials: key });
    const both = await Promise.all([1, 2].map(() => ask(key, url, { authorization: header })));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 401]);
    expect(codeOf(await ask(key, url, { authorization: header }))).toEqual([401, 'replayed']);
    const padded = header.replace(`id="${key.id}"`, `id="${key.id} "`);
    expect(codeOf(await ask(key, url, { authorization: padded }))).toEqual([401, 'replayed']);
  });

  test('the signed API refuses a request whose time is more than 60 seconds off, and returns the time of the server', async () => {
    for (const [seconds, expected] of [
      [-58, 200],
      [58, 200],
      [-62, 401],
      [62, 401],
      [86_400, 401],
    ] as const) {
      const { status, headers, json } = await ask(key, url, {
        sign: { timestamp: now() + seconds },
      });
      expect([seconds, status]).toEqual([seconds, expected]);
      if (status === 401) {
        expect(json.error?.code).toBe('stale');
        expect(headers['www-authenticate']).toMatch(
          /ts="\d+", tsm="[^"]+", error="Stale timestamp"/,
        );
      }
    }
  });

  test('the signed API refuses a request whose time is no number, because that time would never be too old', async () => {
    for (const timestamp of ['soon', '1e999', 'NaN', '0x7fffffff', ` ${now()}`]) {
      const answer = await ask(key, url, { sign: { timestamp: timestamp as never } });
      expect([timestamp, answer.status]).toEqual([timestamp, 401]);
    }
  });
});

test('the signed API limits wrong signatures per address, but still accepts a valid key from the same address', async () => {
  const statuses = new Set<number>();
  for (let count = 0; count < 101; count += 1) {
    statuses.add((await ask({ ...key, key: 'wrong' }, url)).status);
  }
  expect([...statuses]).toEqual([401, 429]);
  expect((await ask(key, url)).status).toBe(200);
});

test('the signed API refuses a client above its request limit with 429 and Retry-After, but accepts another client', async () => {
  const [own] = await credentials.list(site.here.sql, 'hawk');
  await site.redis.set(`oneway:staging:hawk-requests:${own?.id}`, REQUESTS, { EX: 90 });
  const answer = await ask(key, url);
  expect(codeOf(answer)).toEqual([429, 'too_many_requests']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(80);
  expect(answer.isSigned).toBe(true);
  const other = await hawkKey(site.here, ['dataset:*'], 'Other');
  expect((await ask(other, url)).status).toBe(200);
});

test('S3-62 the health check answers unsigned requests with 200, with and without a slash at the end of its path', async () => {
  for (const path of ['/healthcheck', '/healthcheck/']) {
    const text = await new Promise<string>((resolve) => {
      request(`${at.url}${path}`, (answer) => {
        answer.on('data', (part: Buffer) => resolve(`${answer.statusCode} ${part.toString()}`));
      }).end();
    });
    expect(text).toBe('200 {"status":"OK"}');
  }
});
