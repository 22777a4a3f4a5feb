import { describe, expect, test, vi } from 'vitest';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import request from 'supertest';
import { isSecureCookie } from '../../src/environments/urls.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { openServer } from '../../src/web/connections.ts';
import { cookieOf, hire, openSite, password, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const HOUR = 60 * 60 * 1000;

const keys = async () => (await site.redis.keys('oneway:staging:*')).length;

describe('visitors who are not signed in', () => {
  test('requests of visitors who are not signed in store nothing in Redis (B1)', async () => {
    const before = await keys();
    for (let number = 0; number < 30; number += 1) {
      await request(site.app)
        .get(`/search?q=${number}${'x'.repeat(5000)}`)
        .expect(303);
      await request(site.app).get(`/nothing/${number}`).expect(404);
      await request(site.app).get('/sign-in').expect(200);
    }
    expect(await keys()).toBe(before);
  });

  test('the cookie of a visitor who is not signed in is short and signed, and keeps no requested URL of more than 500 characters (B1)', async () => {
    const long = await request(site.app).get(`/search?q=${'x'.repeat(5000)}`);
    expect(cookieOf(long, 'oneway.staging.visitor')).toBe('');
    const short = await request(site.app).get('/catalog/task?q=cab');
    const cookie = cookieOf(short, 'oneway.staging.visitor').split(';')[0] ?? '';
    expect(cookie.length).toBeLessThan(800);
    const page = await request(site.app)
      .get('/sign-in')
      .set('Cookie', `${cookie.slice(0, -1)}x`);
    expect(page.status).toBe(200);
  });

  test('a sign-in with an e-mail of 3,000 characters is refused, and stores only short keys in Redis (B1)', async () => {
    const client = await site.as(null);
    const email = `${'x'.repeat(3000)}@example.com`;
    const answer = await client.post('/sign-in', { email, password });
    expect(answer.status).toBe(422);
    const all = await site.redis.keys('oneway:staging:sign-in:*');
    expect(Math.max(...all.map(({ length }) => length))).toBeLessThan(120);
  });
});

describe('security headers of responses', () => {
  test('pages for signed-in people are sent with Cache-Control: no-store, and signing out clears the browser’s cache (B2)', async () => {
    const client = await site.as('ops');
    for (const path of ['/', '/audit', '/people', '/catalog/task', '/search?q=x', '/nothing']) {
      const { headers } = await client.get(path);
      expect([path, headers['cache-control']]).toEqual([path, 'no-store']);
    }
    const out = await client.post('/sign-out');
    expect(out.headers['clear-site-data']).toBe('"cache"');
  });

  test('every answer denies the browser features that no page uses (C14)', async () => {
    const { headers } = await request(site.app).get('/sign-in');
    expect(headers['permissions-policy']).toContain('camera=(), ');
    expect(headers['permissions-policy']).not.toMatch(/=\((?!\))/);
  });
});

describe('how long sessions last', () => {
  const at = (hours: number) => {
    const now = Date.now() + hours * HOUR;
    return vi.spyOn(Date, 'now').mockImplementation(() => now);
  };

  test('a session ends after 12 hours, however much it is used (B9)', async () => {
    await hire(site.here, 'vic');
    const page = await request(site.app).get('/sign-in');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
    const visitor = cookieOf(page, 'oneway.staging.visitor').split(';')[0] ?? '';
    const typed = { email: 'vic@example.com', password, csrf };
    const signedIn = await request(site.app)
      .post('/sign-in')
      .type('form')
      .set('Cookie', visitor)
      .send(typed);
    const cookie = cookieOf(signedIn, 'oneway.staging').split(';')[0] ?? '';
    const statusAt = async (hours: number) => {
      const clock = at(hours);
      const answer = await request(site.app).get('/').set('Cookie', cookie);
      clock.mockRestore();
      const [, expires = ''] = /Expires=([^;]+)/.exec(cookieOf(answer, 'oneway.staging')) ?? [];
      return { status: answer.status, until: (Date.parse(expires) - Date.now()) / HOUR };
    };
    expect(await statusAt(0)).toEqual({ status: 200, until: expect.closeTo(10, 1) });
    expect(await statusAt(11.5)).toEqual({ status: 200, until: expect.closeTo(12, 1) });
    expect(await statusAt(12.1)).toMatchObject({ status: 303 });
    // The session was deleted, so it does not become valid again when the clock is set back.
    expect(await statusAt(1)).toMatchObject({ status: 303 });
  });

  test('the event stream of a job ends when its viewer has signed out (B9)', async () => {
    const { job } = await jobs.request(world.staging.sql, {
      kind: 'refresh',
      name: 'Waits',
      person: 'pm@example.com',
      input: {},
    });
    const client = await site.as('vic');
    const stream = client.get(`/jobs/${job.number}/events`).then(({ text }) => text);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await client.post('/sign-out');
    expect(await stream).toContain('data: ');
  }, 20_000);
});

describe('the security attributes of cookies', () => {
  test('cookies are Secure unless the server’s own URL is http on localhost (C4)', () => {
    expect(isSecureCookie('', 'http://localhost:4201')).toBe(false);
    expect(isSecureCookie('', 'http://127.0.0.1:4201')).toBe(false);
    expect(isSecureCookie('', 'https://oneway.example.com')).toBe(true);
    expect(isSecureCookie('', 'http://oneway.example.com')).toBe(true);
    expect(isSecureCookie('', undefined)).toBe(true);
    expect(isSecureCookie('false', 'https://oneway.example.com')).toBe(false);
  });

  test('when the server’s own URL is https, every cookie is Secure and has the prefix __Host-, whatever a proxy forwards (C4)', async () => {
    const secure = await openSite(world, 'staging', {
      SECURE_COOKIES: '',
      ENVIRONMENT_URLS: 'staging=https://oneway.example.com',
    });
    const page = await request(secure.app).get('/sign-in');
    const visitor = cookieOf(page, '__Host-oneway.staging.visitor');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
    await site.as('vic');
    const post = (path: string, body: object, cookie: string) =>
      request(secure.app)
        .post(path)
        .type('form')
        .set('Cookie', cookie)
        .send({ ...body, csrf });
    const cookie = visitor.split(';')[0] ?? '';
    const answer = await post('/sign-in', { email: 'vic@example.com', password }, cookie);
    const theme = await post('/theme', { theme: 'dark' }, cookie);
    const lines = [answer, theme].flatMap(({ headers }) =>
      [headers['set-cookie'] ?? []].flat().map(String),
    );
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line).toMatch(/^__Host-.*Path=\/.*Secure/);
    const own = cookieOf(answer, '__Host-oneway.staging').split(';')[0] ?? '';
    await request(secure.app).get('/').set('Cookie', own).expect(200);
    await secure.close();
  });
});

test('a POST with a foreign Origin is refused when the browser sends no Sec-Fetch-Site (C7)', async () => {
  const agent = request.agent(site.app);
  const page = await agent.get('/sign-in');
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
  const post = (origin: string) =>
    agent
      .post('/theme')
      .type('form')
      .set('Origin', origin)
      .set('Host', 'oneway.test')
      .send({ csrf });
  expect((await post('https://evil.example')).status).toBe(403);
  expect((await post('null')).status).toBe(403);
  expect((await post('http://oneway.test')).status).toBe(303);
});

test('the server closes connections with incomplete headers or bodies, and connections above the permitted number (C13)', async () => {
  const limits = { headersMs: 300, requestMs: 600, checkEveryMs: 100, connections: 2 };
  const server = openServer((req, res) => req.resume().once('end', () => res.end()), limits);
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const head = 'POST / HTTP/1.1\r\nHost: x\r\n';
  const closing = async (sent: string) => {
    const socket = connect(port);
    socket.resume().on('error', () => {});
    socket.write(sent);
    await once(socket, 'close');
  };
  await Promise.all([closing(head), closing(`${head}Content-Length: 9\r\n\r\nhalf`)]);
  const open = [connect(port), connect(port)];
  await Promise.all(open.map((socket) => once(socket, 'connect')));
  await closing('');
  for (const socket of open) socket.destroy();
  server.close();
}, 20_000);
