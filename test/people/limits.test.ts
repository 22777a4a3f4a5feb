import { describe, expect, test } from 'vitest';
import request from 'supertest';
import { addressOf } from '../../src/access/throttle.ts';
import * as audit from '../../src/audit/audit.ts';
import { atMost } from '../../src/people/at-most.ts';
import { waitAfter } from '../../src/people/limits.ts';
import { openSite, password, useSite, type Site } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging', { TRUST_PROXY: '1' });

/** Returns a function that signs in with a browser at this IP address. */
function browserAt(address: string, of: Site = site) {
  const agent = request.agent(of.app);
  return async (email: string, secret: string) => {
    const page = await agent.get('/sign-in').set('X-Forwarded-For', address);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
    return agent
      .post('/sign-in')
      .type('form')
      .set('X-Forwarded-For', address)
      .send({ email, password: secret, csrf });
  };
}

const secondsOf = async (act: () => Promise<unknown>) => {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1000;
};

describe('limits on sign-in attempts for one e-mail from many IP addresses', () => {
  test('sign-in attempts for one e-mail from many IP addresses become slower but never lock the account (B4)', async () => {
    await site.as('vic');
    const known = browserAt('10.0.0.1');
    const email = 'vic@example.com';
    expect((await known(email, password)).status).toBe(303);
    for (let address = 1; address <= 3; address += 1) {
      const attacker = browserAt(`10.0.1.${address}`);
      for (let time = 0; time < 8; time += 1) {
        expect((await attacker(email, 'wrong wrong wrong')).status).toBe(422);
      }
    }
    // The person’s right password still works from a new IP address, only more slowly.
    const again = browserAt('10.0.2.1');
    const slow = await secondsOf(async () => {
      expect((await again(email, password)).status).toBe(303);
    });
    expect(slow).toBeGreaterThan(0.9);
  }, 60_000);

  test('a sign-in attempt waits longer after more attempts for the same e-mail, but at most ten seconds (B4)', () => {
    expect([1, 20, 21, 25, 26, 70, 5000].map(waitAfter)).toEqual([
      0, 0, 1000, 1000, 2000, 10_000, 10_000,
    ]);
  });

  test('the limits on sign-in count all IP addresses of one IPv6 network as one address (B4)', () => {
    expect(addressOf({ ip: '10.1.2.3' })).toBe('10.1.2.3');
    expect(addressOf({ ip: '::ffff:10.1.2.3' })).toBe('::ffff:10.1.2.3');
    expect(addressOf({ ip: '2001:db8:1:2:3:4:5:6' })).toBe('2001:db8:1:2');
    expect(addressOf({ ip: '2001:db8:1:2::9' })).toBe('2001:db8:1:2');
    expect(addressOf({ ip: '2001:db8::9' })).toBe('2001:db8:0:0');
  });
});

test('a refused sign-in is recorded in the log without the e-mail, in the audit log and in the metrics (B4)', async () => {
  const own = await openSite(world, 'staging', { TRUST_PROXY: '1', LOG_LEVEL: 'error' });
  await own.as('vic');
  const lines: unknown[] = [];
  own.here.log.warn = (line: unknown) => void lines.push(line);
  const from = browserAt('10.0.3.1', own);
  await from('vic@example.com', 'wrong wrong wrong');
  const unknown = await from('nobody@example.com', 'wrong wrong wrong');
  expect(unknown.status).toBe(422);
  expect(lines).toEqual([
    expect.objectContaining({ address: '10.0.3.1', reason: 'wrong e-mail or password' }),
    expect.objectContaining({ address: '10.0.3.1', reason: 'wrong e-mail or password' }),
  ]);
  expect(JSON.stringify(lines)).not.toContain('example.com');
  const filter = { ...audit.everything, action: 'refused sign-in' };
  const refused = await audit.find(own.here.sql, filter, { limit: 50 });
  expect(refused.map(({ subject }) => subject)).toEqual([
    expect.stringMatching(/^unknown e-mail [0-9a-f]{16}$/),
    'vic@example.com',
  ]);
  const { text } = await request(own.app).get('/metrics');
  expect(text).toMatch(/oneway_refusals_total\{kind="sign-in",environment="staging"\} 2/);
  await own.close();
});

test('a request with a wrong API key is logged and counted in the metrics (B4)', async () => {
  const key = `Bearer ow_${'a'.repeat(32)}`;
  await request(site.app).get('/api/v1/task').set('Authorization', key).expect(401);
  const { text } = await request(site.app).get('/metrics');
  expect(text).toMatch(/oneway_refusals_total\{kind="api-key",environment="staging"\} 1/);
});

test('at most 20 password checks wait, and a further sign-in is refused with the advice to try again later (C11)', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const check = atMost({ atOnce: 3, waiting: 20 }, async (number: number) => {
    await held;
    return number;
  });
  const asked = Array.from({ length: 30 }, (_one, number) =>
    check(number).catch(({ status }: { status: number }) => `refused ${status}`),
  );
  await new Promise((resolve) => setImmediate(resolve));
  release();
  const answers = await Promise.all(asked);
  expect(answers.slice(0, 23)).toEqual(Array.from({ length: 23 }, (_one, number) => number));
  expect(answers.slice(23)).toEqual(Array.from({ length: 7 }, () => 'refused 503'));
  expect(await check(99)).toBe(99);
});
