// When the sign-in provider refuses connections, is silent or slow, or cuts connections, the sign-in page says so in
// time, and signing in with a password works.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Server } from 'node:http';
import request from 'supertest';
import { freePort } from '../../bin/programs.ts';
import { createApp } from '../../src/app.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { openRedis, type Redis } from '../../src/environments/redis.ts';
import { hire, password, textOf } from '../support/people.ts';
import { openProvider, type TestProvider } from '../support/provider.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { visitor, type Visitor } from '../support/visitor.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
let url: string;
let provider: TestProvider;
let proxy: Proxy;
let here: App;
let redis: Redis;
let app: ReturnType<typeof createApp>;
let server: Server;

beforeAll(async () => {
  const port = await freePort();
  url = `http://localhost:${port}`;
  provider = await openProvider(
    { staging: url, preprod: url, production: url },
    undefined,
    async (target) => {
      proxy = await openProxy(target);
      return proxy.port;
    },
  );
  await hire(world.staging, 'vic');
});
// Every test starts a new server, which has not yet cached the provider’s configuration.
beforeEach(async () => {
  here = openApp(
    settingsOf(world.variables.staging, {
      ENVIRONMENT_URLS: `staging=${url}`,
      ...provider.settings.staging,
    }),
  );
  redis = await openRedis(here);
  app = createApp(here, redis);
  server = app.listen(Number(new URL(url).port));
});
afterEach(async () => {
  await proxy.accept();
  proxy.heal();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  redis.destroy();
  await here.close();
});
afterAll(() => {
  proxy.close();
  provider.close();
});

async function timed<T>(asked: Promise<T>) {
  const begun = performance.now();
  const answer = await asked;
  return { answer, took: performance.now() - begun };
}

const sentence =
  'The sign-in provider cannot be reached right now. Sign in with e-mail and password.';

/**
 * Signs in at the provider; returns the URL to which the provider then redirects the browser,
 * without opening it.
 */
async function callbackFor(who: Visitor) {
  const page = await who.open(`${url}/sign-in/single`);
  let answer = await who.send(page, { email: 'vic@example.com', password });
  while (!answer.location.startsWith(`${url}/sign-in/callback`)) {
    answer = await who.get(answer.location);
  }
  return answer.location;
}

async function signInByPassword(who: Visitor) {
  const page = await who.open(`${url}/sign-in`);
  return who.follow(await who.send(page, { email: 'vic@example.com', password }));
}

const faults: [string, () => unknown][] = [
  ['refuses connections', () => proxy.refuse()],
  ['is silent', () => (proxy.cut(), proxy.hang('both'))],
  ['is slow', () => proxy.slow(6000)],
  ['cuts connections in the middle', () => (proxy.cut(), proxy.cutAfter(100))],
];

describe('signing in while the sign-in provider fails', () => {
  test.each(faults)(
    'no sign-in page waits for a sign-in provider that %s, and signing in with a password works (F11, walk 1)',
    async (_fault, fail) => {
      await fail();
      for (const path of ['/sign-in/single', '/catalog/task', '/sign-in']) {
        const { answer, took } = await timed(visitor().open(`${url}${path}`));
        const text = textOf(answer.text);
        expect([path, answer.status, text.includes(sentence)]).toEqual(
          path === '/sign-in' ? [path, 200, false] : [path, 503, true],
        );
        expect(answer.text).toContain('type="password"');
        expect(took).toBeLessThan(3000);
      }
      const inside = await signInByPassword(visitor());
      expect([inside.status, inside.text.includes('Sign out')]).toEqual([200, true]);
    },
    30_000,
  );

  test.each(faults)(
    'if the provider %s when the browser returns from it, single sign-on ends with an error message (F11, walk 1)',
    async (_fault, fail) => {
      const who = visitor();
      const callback = await callbackFor(who);
      await fail();
      const { answer, took } = await timed(who.get(callback));
      expect([answer.status, textOf(answer.text)]).toEqual([
        503,
        expect.stringContaining(sentence),
      ]);
      expect(took).toBeLessThan(6000);
      expect((await signInByPassword(who)).text).toContain('Sign out');
    },
    30_000,
  );

  test('single sign-on works with a provider that takes half a second for every answer (F11)', async () => {
    proxy.slow(500);
    const inside = await visitorIn();
    expect([inside.status, inside.text.includes('Sign out')]).toEqual([200, true]);
  }, 30_000);

  test('a form posted after the session ended is restored after a sign-in by password, even if the sign-in provider is silent (F11, walk 1)', async () => {
    const agent = request.agent(app);
    const tokenOn = (html: string) => /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const post = (path: string, csrf: string, body: object) =>
      agent
        .post(path)
        .type('form')
        .set('Sec-Fetch-Site', 'same-origin')
        .send({ ...body, csrf });
    const open = async (path: string) => tokenOn((await agent.get(path)).text);
    await hire(here, 'ed');
    const ed = { email: 'ed@example.com', password };
    await post('/sign-in', await open('/sign-in'), ed).expect(303);
    const form = await open('/catalog/form/new');
    await redis.flushDb();
    proxy.hang('both');
    await post('/catalog/form', form, { name: 'Typed before' }).expect(303);
    const page = await agent.get('/sign-in/single');
    expect([page.status, textOf(page.text)]).toEqual([503, expect.stringContaining(sentence)]);
    const entered = await post('/sign-in', tokenOn(page.text), ed);
    expect(entered.headers['location']).toBe('/saved-form');
    expect((await agent.get('/saved-form')).text).toContain('Typed before');
  }, 30_000);
});

async function visitorIn() {
  const who = visitor();
  return who.follow(await who.get(await callbackFor(who)));
}
