// Single sign-on works with a real OpenID Connect provider, over real HTTP.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Server } from 'node:http';
import { freePort } from '../../bin/programs.ts';
import { createApp } from '../../src/app.ts';
import * as audit from '../../src/audit/audit.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { openRedis, type Redis } from '../../src/environments/redis.ts';
import { admit, unlink, type Admission } from '../../src/people/admission.ts';
import * as people from '../../src/people/people.ts';
import { hire, password, textOf } from '../support/people.ts';
import { account, openProvider, type TestProvider } from '../support/provider.ts';
import { visitor, type Answer, type Visitor } from '../support/visitor.ts';
import { settingsOf, useWorld, type EnvironmentOf } from '../support/world.ts';

type Name = keyof EnvironmentOf<string>;

const world = useWorld();
let provider: TestProvider;
let urls: EnvironmentOf<string>;
const open: { here: App; redis: Redis; server: Server }[] = [];

beforeAll(async () => {
  const [staging, preprod, production] = [await freePort(), await freePort(), await freePort()];
  urls = {
    staging: `http://localhost:${staging}`,
    preprod: `http://localhost:${preprod}`,
    production: `http://localhost:${production}`,
  };
  provider = await openProvider(urls);
});
afterEach(async () => {
  for (const { here, redis, server } of open.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    redis.destroy();
    await here.close();
  }
});
afterAll(async () => {
  provider.close();
});

/** Starts the server of one environment at its URL, configured with the sign-in provider. */
async function start(name: Name, also: Record<string, string> = {}): Promise<App> {
  const settings = settingsOf(world.variables[name], {
    ENVIRONMENT_URLS: Object.entries(urls)
      .map(([of, url]) => `${of}=${url}`)
      .join(','),
    ...provider.settings[name],
    ...also,
  });
  const here = openApp(settings);
  const redis = await openRedis(here);
  const server = createApp(here, redis).listen(Number(new URL(urls[name]).port));
  open.push({ here, redis, server });
  return here;
}

const withClaim = { OIDC_PERMISSIONS_CLAIM: 'oneway_permissions' };

/** Follows the single sign-on link and types e-mail and password at the provider. */
async function signIn(who: Visitor, name: Name, role: string): Promise<Answer> {
  const page = await who.open(`${urls[name]}/sign-in/single`);
  if (!page.url.startsWith(provider.issuer)) return page;
  return who.follow(await who.send(page, { email: `${role}@example.com`, password }));
}

/**
 * Signs in at the provider; returns the URL to which the provider then redirects the browser,
 * without opening it.
 */
async function callbackFor(who: Visitor, role: string, change = (address: string) => address) {
  const begun = await who.get(`${urls.staging}/sign-in/single`);
  const page = await who.open(change(begun.location));
  let answer = await who.send(page, { email: `${role}@example.com`, password });
  while (!answer.location.startsWith(`${urls.staging}/sign-in/callback`)) {
    answer = await who.get(answer.location);
  }
  return answer.location;
}

const personIn = async (here: App, role: string) =>
  (await people.list(here.sql)).find(({ email }) => email === `${role}@example.com`);
const isIn = (answer: Answer) => answer.status === 200 && answer.text.includes('Sign out');
const auditOf = async (here: App) =>
  (await audit.find(here.sql, audit.everything, { limit: 50 })).map(
    ({ person, action, subject, detail }) => [person, action, subject, detail].join(' | '),
  );

describe('the first single sign-on of a person', () => {
  test('S3-08 the first single sign-on creates an account with the e-mail and name of the provider', async () => {
    const here = await start('staging');
    provider.accounts.push({ ...account('newcomer'), name: 'Nadia Newcomer' });
    expect(isIn(await signIn(visitor(), 'staging', 'newcomer'))).toBe(true);
    expect(await personIn(here, 'newcomer')).toMatchObject({
      name: 'Nadia Newcomer',
      isActive: true,
      permissions: [],
    });
    expect(await auditOf(here)).toEqual([
      'newcomer@example.com | signed in | newcomer@example.com | ',
      'single sign-on | added person | newcomer@example.com | ',
    ]);
  });

  test('simultaneous first single sign-ons of the same person create one account', async () => {
    const here = await start('staging');
    const pages = await Promise.all(
      [visitor(), visitor(), visitor()].map((who) => signIn(who, 'staging', 'vic')),
    );
    expect(pages.map(isIn)).toEqual([true, true, true]);
    const added = (await auditOf(here)).filter((line) => line.includes('added person'));
    expect(added).toHaveLength(1);
  });

  test('an account that single sign-on created accepts no password', async () => {
    const here = await start('staging');
    await signIn(visitor(), 'staging', 'vic');
    for (const tried of ['none', '', password, 'nobody has this password']) {
      expect(await people.verify(here.sql, 'vic@example.com', tried)).toBeNull();
    }
  });

  test('single sign-on with an unverified e-mail is refused and creates no account', async () => {
    const here = await start('staging');
    provider.accounts.push(
      account('claimed', { email_verified: false }),
      account('silent', { email_verified: undefined }),
    );
    for (const role of ['claimed', 'silent']) {
      const refused = await signIn(visitor(), 'staging', role);
      expect(refused.status).toBe(403);
      expect(textOf(refused.text)).toContain('does not say that your e-mail address is verified');
      expect(await personIn(here, role)).toBeUndefined();
    }
  });
});

describe('how an account at the sign-in provider is matched with an account in Oneway', () => {
  const claims = (sub: string, also: object = {}) => ({
    iss: 'https://login.example.com',
    sub,
    email: 'vic@example.com',
    email_verified: true,
    ...also,
  });
  const idOf = (admission: Admission) => ('person' in admission ? admission.person.id : admission);

  test('single sign-on recognises a person by the provider’s id (subject), even after the person’s e-mail has changed (C10)', async () => {
    const here = await start('staging');
    const first = idOf(await admit(here, claims('one')));
    const moved = await admit(here, claims('one', { email: 'victoria@example.com' }));
    expect(idOf(moved)).toBe(first);
    expect(await people.list(here.sql)).toHaveLength(1);
  });

  test('single sign-on refuses a new identity with a known person’s e-mail until an administrator unlinks that person (C10)', async () => {
    const here = await start('staging');
    const vic = idOf(await admit(here, claims('one')));
    const other = { refused: 'other-identity' };
    expect(await admit(here, claims('two'))).toEqual(other);
    expect(await admit(here, claims('one', { iss: 'https://other.example.com' }))).toEqual(other);
    await unlink(here, 'ops@example.com', Number(vic));
    expect(idOf(await admit(here, claims('two')))).toBe(vic);
    expect(await admit(here, claims('one'))).toEqual(other);
  });

  test('single sign-on treats provider ids (subjects) that differ only in case as different people (C10)', async () => {
    const here = await start('staging');
    await admit(here, claims('one'));
    expect(await admit(here, claims('ONE'))).toEqual({ refused: 'other-identity' });
  });

  test.each([
    ['@example.com', {}, true],
    ['@example.com', { email: 'vic@example.com.evil.example' }, false],
    ['@Example.com, @example.org', { email: 'vic@example.org' }, true],
    ['groups=oneway', {}, false],
    ['groups=oneway', { groups: ['others', 'oneway'] }, true],
    ['groups=oneway', { groups: 'oneway-guests' }, false],
    ['@example.org,groups=oneway', { groups: 'oneway' }, true],
  ])(
    'the setting OIDC_ADMITS=%s decides whether a person with the claims %j may sign in by single sign-on: %s (C10)',
    async (admits, also, isIn) => {
      const here = await start('production', { OIDC_ADMITS: admits });
      const admission = await admit(here, claims('one', also));
      expect('refused' in admission ? admission.refused : 'in').toBe(isIn ? 'in' : 'not-admitted');
      expect(await people.list(here.sql)).toHaveLength(isIn ? 1 : 0);
    },
  );

  test('a person whom the setting OIDC_ADMITS does not admit sees a message and is not sent to the provider again (C10)', async () => {
    await start('staging', { OIDC_ADMITS: '@example.org' });
    const who = visitor();
    const refused = await signIn(who, 'staging', 'vic');
    expect([refused.status, textOf(refused.text)]).toEqual([
      403,
      expect.stringContaining('may not sign in here'),
    ]);
    expect((await who.open(`${urls.staging}/`)).url).toBe(`${urls.staging}/sign-in`);
  });

  test('a wrong value of the setting OIDC_ADMITS stops the program at start (C10)', () => {
    expect(() =>
      settingsOf(world.variables.staging, { ...provider.settings.staging, OIDC_ADMITS: 'staff' }),
    ).toThrow('must be as @example.com or groups=oneway');
  });
});

describe('single sign-on of known people', () => {
  test('single sign-on does not change permissions granted on the people page, and ends on the page that the person had requested', async () => {
    const here = await start('staging');
    await hire(here, 'pm');
    const who = visitor();
    await who.open(`${urls.staging}/catalog/task?q=cab`);
    const page = await signIn(who, 'staging', 'pm');
    expect([page.url, isIn(page)]).toEqual([`${urls.staging}/catalog/task?q=cab`, true]);
    expect((await personIn(here, 'pm'))?.permissions).toEqual(['product_manager']);
  });

  test('the first single sign-on finds an account by its e-mail, regardless of upper and lower case', async () => {
    const here = await start('staging');
    await hire(here, 'ed');
    provider.accounts.push({ ...account('ed'), email: 'ed.upper@example.com' });
    const upper = provider.accounts.at(-1);
    if (upper) upper.claims = { email: 'ED@Example.com' };
    const who = visitor();
    const page = await who.open(`${urls.staging}/sign-in/single`);
    const typed = { email: 'ed.upper@example.com', password };
    expect(isIn(await who.follow(await who.send(page, typed)))).toBe(true);
    expect((await people.list(here.sql)).map(({ email }) => email)).toEqual(['ed@example.com']);
  });

  test('single sign-on to a closed account is refused with a message, and not tried silently again', async () => {
    const here = await start('staging');
    await hire(here, 'vic');
    const person = await personIn(here, 'vic');
    await people.setActive(here, 'test', person?.id ?? 0, false);
    const who = visitor();
    const refused = await signIn(who, 'staging', 'vic');
    expect([refused.status, isIn(refused)]).toEqual([403, false]);
    expect(textOf(refused.text)).toContain('Your account is closed here');
    expect((await who.get(`${urls.staging}/`)).location).toBe(`${urls.staging}/sign-in`);
  });

  test('signing in by single sign-on creates a new session', async () => {
    await start('staging');
    const who = visitor();
    await who.open(`${urls.staging}/`);
    const before = who.cookie(`${urls.staging}/`, 'oneway.staging');
    await signIn(who, 'staging', 'vic');
    const after = who.cookie(`${urls.staging}/`, 'oneway.staging');
    expect([before, after === '']).toEqual(['', false]);
  });
});

describe('permissions from a claim of the sign-in provider', () => {
  const grant = (role: string, permissions: unknown) => {
    const known = provider.accounts.find(({ email }) => email === `${role}@example.com`);
    if (known) known.claims = { oneway_permissions: permissions };
  };
  afterEach(() => {
    for (const one of provider.accounts) delete one.claims;
  });

  test('the permissions claim of the sign-in provider grants and revokes permissions, and unknown names in the claim are ignored', async () => {
    const here = await start('staging', withClaim);
    grant('vic', ['editor', 'on_call', 'root']);
    await signIn(visitor(), 'staging', 'vic');
    expect((await personIn(here, 'vic'))?.permissions).toEqual(['editor', 'on_call']);
    grant('vic', ['on_call']);
    await signIn(visitor(), 'staging', 'vic');
    await signIn(visitor(), 'staging', 'vic');
    grant('vic', undefined);
    await signIn(visitor(), 'staging', 'vic');
    const lines = (await auditOf(here)).filter((line) => line.includes('set permissions'));
    expect(lines.toReversed().map((line) => line.split(' | '))).toEqual([
      ['single sign-on', 'set permissions', 'vic@example.com', 'View only → Editor, On call'],
      ['single sign-on', 'set permissions', 'vic@example.com', 'Editor, On call → On call'],
      ['single sign-on', 'set permissions', 'vic@example.com', 'On call → View only'],
    ]);
  });

  test('S0-25 the permissions claim of the sign-in provider does not grant product_manager in production', async () => {
    const here = await start('production', withClaim);
    grant('pm', ['product_manager', 'on_call']);
    expect(isIn(await signIn(visitor(), 'production', 'pm'))).toBe(true);
    expect((await personIn(here, 'pm'))?.permissions).toEqual(['on_call']);
  });

  test('the permissions claim of the sign-in provider does not remove the last administrator', async () => {
    const here = await start('staging', withClaim);
    await hire(here, 'ops');
    grant('ops', ['editor']);
    expect(isIn(await signIn(visitor(), 'staging', 'ops'))).toBe(true);
    expect((await personIn(here, 'ops'))?.permissions).toEqual(['editor', 'administrator']);
    await signIn(visitor(), 'staging', 'ops');
    expect(isIn(await signIn(visitor(), 'staging', 'ops'))).toBe(true);
  });
});

describe('forged and repeated answers of the sign-in provider', () => {
  const refused = (answer: Answer) => [answer.status, isIn(answer)];

  test('single sign-on refuses a forged state parameter, and a state parameter that was issued to another browser', async () => {
    await start('staging');
    const who = visitor();
    const callback = new URL(await callbackFor(who, 'vic'));
    expect(refused(await visitor().open(callback.href))).toEqual([403, false]);
    callback.searchParams.set('state', 'forged');
    expect(refused(await who.open(callback.href))).toEqual([403, false]);
  });

  test('single sign-on refuses a provider’s answer that was used before', async () => {
    await start('staging');
    const who = visitor();
    const callback = await callbackFor(who, 'vic');
    const page = await who.open(callback);
    expect(isIn(page)).toBe(true);
    await who.send(page, {});
    expect(refused(await who.open(callback))).toEqual([403, false]);
  });

  test('single sign-on refuses a wrong nonce and a wrong PKCE code challenge', async () => {
    await start('staging');
    for (const name of ['nonce', 'code_challenge']) {
      const who = visitor();
      const callback = await callbackFor(who, 'vic', (address) => {
        const changed = new URL(address);
        changed.searchParams.set(name, 'A'.repeat(43));
        return changed.href;
      });
      const answer = await who.open(callback);
      expect([name, ...refused(answer)]).toEqual([name, 403, false]);
      expect(textOf(answer.text)).toContain('could not be accepted');
    }
  });

  test('single sign-on refuses an answer from another issuer, or with a code that the provider did not issue', async () => {
    await start('staging');
    for (const [name, value] of [
      ['iss', 'https://evil.example'],
      ['code', 'made-up'],
    ] as const) {
      const who = visitor();
      const callback = new URL(await callbackFor(who, 'vic'));
      callback.searchParams.set(name, value);
      expect([name, ...refused(await who.open(callback.href))]).toEqual([name, 403, false]);
    }
  });

  test('single sign-on never redirects to another server', async () => {
    await start('staging');
    const who = visitor();
    await who.get(`${urls.staging}//evil.example/catalog`);
    await who.get(`${urls.staging}/catalog/task?return=https://evil.example`);
    const callback = `${await callbackFor(who, 'vic')}&return=https://evil.example&returnTo=//evil.example`;
    const { location } = await who.get(callback);
    expect(new URL(location).origin).toBe(urls.staging);
  });
});

describe('one sign-in at the provider for the servers of all environments', () => {
  test('a person who is signed in to staging and opens a page of pre-production is signed in to pre-production automatically', async () => {
    await start('staging');
    const above = await start('preprod');
    const who = visitor();
    await signIn(who, 'staging', 'vic');
    const page = await who.open(`${urls.preprod}/catalog/form?q=visit`);
    expect([page.url, isIn(page)]).toEqual([`${urls.preprod}/catalog/form?q=visit`, true]);
    expect(await auditOf(above)).toContain('vic@example.com | signed in | vic@example.com | ');
  });

  test('a visitor who is signed in neither to Oneway nor at the provider gets the sign-in page, without a redirect loop', async () => {
    await start('staging');
    const who = visitor();
    const first = await who.get(`${urls.staging}/`);
    expect(first.location).toBe(`${urls.staging}/sign-in/single?silent=1`);
    const page = await who.follow(first);
    expect([page.status, page.url]).toEqual([200, `${urls.staging}/sign-in`]);
    expect(textOf(page.text)).not.toContain('There is a problem');
    expect((await who.get(`${urls.staging}/`)).location).toBe(`${urls.staging}/sign-in`);
  });

  test('a person who opened pre-production before signing in to staging is signed in to pre-production a few seconds later', async () => {
    await start('staging');
    await start('preprod');
    const who = visitor();
    expect(isIn(await who.open(`${urls.preprod}/`))).toBe(false);
    await signIn(who, 'staging', 'vic');
    const now = Date.now.bind(Date);
    const later = vi.spyOn(Date, 'now').mockImplementation(() => now() + 6000);
    expect(isIn(await who.open(`${urls.preprod}/`))).toBe(true);
    later.mockRestore();
  });

  test('only page requests start a silent sign-in (without showing a sign-in page), not requests for scripts and images', async () => {
    await start('staging');
    const asked = await visitor().get(`${urls.staging}/catalog/task/options`, {
      'Sec-Fetch-Dest': 'empty',
    });
    expect(asked.location).toBe(`${urls.staging}/sign-in`);
  });

  test('a person who signed out is not signed in again silently, and the provider asks which account to use at the next sign-in', async () => {
    await start('staging');
    const who = visitor();
    await who.send(await signIn(who, 'staging', 'vic'), {});
    for (const path of ['/', '/sign-in/single?silent=1', '/catalog/task']) {
      const page = await who.open(`${urls.staging}${path}`);
      expect([path, page.url, isIn(page)]).toEqual([path, `${urls.staging}/sign-in`, false]);
    }
    const asked = await who.open(`${urls.staging}/sign-in/single`);
    expect(asked.url).toMatch(`${provider.issuer}/interaction/`);
    expect(isIn(await signIn(who, 'staging', 'vic'))).toBe(true);
  });

  test('a form post that starts single sign-on goes through an intermediate page, because the content security policy forbids a redirect', async () => {
    await start('staging');
    const page = await visitor().get(`${urls.staging}/sign-in/single?silent=1`, {
      'Sec-Fetch-Site': 'same-origin',
    });
    expect([page.status, page.text.includes(`href="${provider.issuer}/auth?`)]).toEqual([
      200,
      true,
    ]);
  });
});

describe('a sign-in provider that is down', () => {
  const nowhere = async () => ({ OIDC_ISSUER: `http://localhost:${await freePort()}` });

  test('the sign-in page says that the provider cannot be reached, and signing in with a password works', async () => {
    const here = await start('staging', await nowhere());
    await hire(here, 'vic');
    for (const path of ['/', '/sign-in/single']) {
      const page = await visitor().open(`${urls.staging}${path}`);
      expect(page.status).toBe(503);
      expect(textOf(page.text)).toContain('provider cannot be reached right now');
    }
    const who = visitor();
    const page = await who.open(`${urls.staging}/catalog/task`);
    const inside = await who.send(page, { email: 'vic@example.com', password });
    expect(inside.location).toBe(`${urls.staging}/catalog/task`);
    expect(isIn(await who.follow(inside))).toBe(true);
  });

  test('single sign-on works again as soon as the provider is back', async () => {
    await start('staging');
    const port = Number(new URL(provider.issuer).port);
    provider.close();
    const who = visitor();
    expect((await who.open(`${urls.staging}/sign-in/single`)).status).toBe(503);
    provider = await openProvider(urls, port);
    const page = await who.open(`${urls.staging}/sign-in/single`);
    expect(page.url).toContain('/interaction/');
  });
});

describe('settings of single sign-on', () => {
  const wrong = (also: Record<string, string>) => {
    try {
      settingsOf(world.variables.staging, {
        ENVIRONMENT_URLS: `staging=${urls.staging}`,
        ...also,
      });
      return 'none';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  const whole = {
    OIDC_ISSUER: 'https://login.example.com',
    OIDC_CLIENT_ID: 'oneway',
    OIDC_CLIENT_SECRET: 'secret',
  };

  test('the settings of single sign-on must be all set or all missing', () => {
    expect(wrong({})).toBe('none');
    expect(wrong({ OIDC_ISSUER: '', OIDC_CLIENT_ID: '', OIDC_CLIENT_SECRET: '' })).toBe('none');
    expect(wrong(whole)).toBe('none');
    expect(wrong({ OIDC_ISSUER: 'https://login.example.com' })).toMatch(
      /OIDC_CLIENT_ID: is missing.*\n.*OIDC_CLIENT_SECRET: is missing/,
    );
    expect(wrong({ OIDC_PERMISSIONS_CLAIM: 'groups' })).toContain('OIDC_ISSUER: is missing');
  });

  test('single sign-on requires the environment’s own URL in the settings, and an https provider except on localhost', () => {
    const addresses = { ENVIRONMENT_URLS: 'preprod=https://preprod.example.com' };
    expect(wrong({ ...whole, ...addresses })).toContain('ENVIRONMENT_URLS: lacks staging=');
    const issuer = (OIDC_ISSUER: string) => wrong({ ...whole, OIDC_ISSUER });
    expect(issuer('http://login.example.com')).toContain('OIDC_ISSUER: must begin with https://');
    expect(issuer('not an address')).toContain('OIDC_ISSUER');
    expect(issuer('http://127.0.0.1:3010')).toBe('none');
  });
});

test('without its settings, single sign-on is not offered, and its URLs answer 404', async () => {
  await start('staging', { OIDC_ISSUER: '', OIDC_CLIENT_ID: '', OIDC_CLIENT_SECRET: '' });
  const who = visitor();
  const page = await who.open(`${urls.staging}/`);
  expect([page.url, page.text.includes('single sign-on')]).toEqual([
    `${urls.staging}/sign-in`,
    false,
  ]);
  expect((await who.open(`${urls.staging}/sign-in/single`)).status).toBe(404);
  expect((await who.open(`${urls.staging}/sign-in/callback?code=1&state=1`)).status).toBe(404);
});
