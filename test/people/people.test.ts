import { describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import request from 'supertest';
import * as people from '../../src/people/people.ts';
import * as tokens from '../../src/people/tokens.ts';
import { hashPassword, isPassword } from '../../src/people/passwords.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { TTL_MS } from '../../src/version/compatibility.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { cookieOf, hire, openSite, password, textOf, useSite } from '../support/people.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');

test('a password is stored as an argon2id hash with its own salt', async () => {
  const [one, other] = [await hashPassword('same words'), await hashPassword('same words')];
  expect(one).toMatch(/^\$argon2id\$m=19456,t=2,p=1\$/);
  expect(one).not.toBe(other);
  expect(await isPassword('same words', one)).toBe(true);
  expect(await isPassword('same word', one)).toBe(false);
});

test('the name of a person needs at least one visible character (F2)', async () => {
  const typed = { email: 'new@example.com', password };
  for (const name of ['\u200B', '\u2060\u200D', '\u00AD ', '\u202E']) {
    await expect(
      people.add(world.staging, 'ops@example.com', { ...typed, name }),
    ).rejects.toMatchObject({ fields: { name: 'Enter a name' } });
  }
});

describe('signing in with a password, and the sessions that it starts', () => {
  test('signing in creates a new session under the environment’s own cookie name', async () => {
    await hire(site.here, 'vic');
    const agent = request.agent(site.app);
    await agent.get('/catalog/task?q=cab').expect(303, /sign-in/);
    const page = await agent.get('/sign-in');
    const planted = cookieOf(page, 'oneway.staging.visitor');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
    const answer = await agent
      .post('/sign-in')
      .type('form')
      .send({ email: ' VIC@example.com', password, csrf });
    expect(answer.headers['location']).toBe('/catalog/task?q=cab');
    expect(planted).toMatch(/^oneway\.staging\.visitor=.*HttpOnly; SameSite=Lax/);
    expect(cookieOf(answer, 'oneway.staging')).toMatch(/^oneway\.staging=.*HttpOnly; SameSite=Lax/);
  });

  test('signing in gives the same answer for an unknown e-mail and a wrong password', async () => {
    await hire(site.here, 'vic');
    const client = await site.as(null);
    const wrong = async (email: string) => {
      const answer = await client.post('/sign-in', { email, password: 'wrong wrong wrong' });
      return [answer.status, textOf(answer.text).replaceAll(email, '')];
    };
    expect(await wrong('vic@example.com')).toEqual(await wrong('nobody@example.com'));
    for (let time = 0; time < 9; time += 1) await wrong('vic@example.com');
    const right = await client.post('/sign-in', { email: 'vic@example.com', password });
    expect(right.status).toBe(429);
    expect(textOf(right.text)).toContain('Wait 15 minutes');
  });

  test('thirty simultaneous sign-in attempts count as thirty', async () => {
    await hire(site.here, 'vic');
    const client = await site.as(null);
    const body = { email: 'vic@example.com', password: 'wrong wrong wrong' };
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => client.post('/sign-in', body)),
    );
    const tried = answers.filter(({ status }) => status === 422).length;
    expect(tried).toBeLessThanOrEqual(10);
  });

  test('when an account is closed, the sessions of the person end at once', async () => {
    const client = await site.as('vic');
    await client.get('/').expect(200);
    const person = (await people.list(site.here.sql)).find(({ name }) => name === 'vic');
    await people.setActive(site.here, 'test', person?.id ?? 0, false);
    await client.get('/').expect(303);
  });

  test('a new password ends all sessions and command-line tokens of the person', async () => {
    const client = await site.as('vic');
    const person = (await people.list(site.here.sql)).find(({ name }) => name === 'vic');
    const token = tokens.issue(site.here, person as people.Person);
    expect(await tokens.holderOf(site.here, token)).toMatchObject({ name: 'vic' });
    await client.get('/').expect(200);
    const changed = { password: 'another long password' };
    await people.setPassword(site.here, 'test', person?.id ?? 0, changed);
    await client.get('/').expect(303);
    expect(await tokens.holderOf(site.here, token)).toBeNull();
  });

  test('a form that was posted in a session ended by a password change is not shown to the next person who signs in', async () => {
    const thief = await site.as('vic');
    const person = (await people.list(site.here.sql)).find(({ name }) => name === 'vic');
    const version = { databaseVersion: currentVersion(), isUpdating: true };
    await thief.get('/').expect(200);
    await people.setPassword(site.here, 'test', person?.id ?? 0, { password });
    await writeVersion(site.here.documents, version);
    await sleep(TTL_MS);
    await thief.post('/catalog/form/1', { name: 'Planted' });
    await writeVersion(site.here.documents, { ...version, isUpdating: false });
    await sleep(TTL_MS);
    const back = await (
      await site.as(null)
    ).post('/sign-in', { email: 'vic@example.com', password });
    expect(back.headers['location']).toBe('/');
  });

  test('signing out ends the session', async () => {
    const client = await site.as('vic');
    await client.post('/sign-out');
    await client.get('/').expect(303);
  });
});

test('while Redis does not answer, a page fails quickly with an explanation', async () => {
  const down = await openSite(world, 'staging');
  const client = await down.as('vic');
  await down.close();
  const answer = await client.get('/');
  expect(answer.status).toBe(503);
  expect(answer.text).toContain('does not answer right now');
});

describe('form posts that another site has forged', () => {
  test('forms posted from another site or without the CSRF token are refused', async () => {
    const client = await site.as('ed');
    await client.forge('/catalog/form', { name: 'Forged' }).expect(403);
    await client
      .forge('/catalog/form', { name: 'Forged' })
      .set('Sec-Fetch-Site', 'same-origin')
      .expect(403);
    await client.get('/catalog/form/1').expect(404);
  });

  test('the parameter return of a form, which names the page to show afterwards, never leads to another server', async () => {
    const client = await site.as('ed');
    for (const address of ['https://evil.example', '//evil.example', '/\\evil.example']) {
      const answer = await client.post('/theme', { theme: 'dark', return: address });
      expect(answer.headers['location']).toBe('/');
    }
  });
});

describe('the page on which administrators add people and grant permissions', () => {
  test('when two administrators edit the same person, saving an outdated page changes only the permissions ticked or unticked on it (F16)', async () => {
    const [one, other] = [await site.as('ops'), await site.as('ops')];
    await hire(site.here, 'vic');
    const vic = (await people.list(site.here.sql)).find(({ name }) => name === 'vic');
    const path = `/people/${vic?.id}`;
    const pages = [(await one.get(path)).text, (await other.get(path)).text];
    const [first = {}, second = {}] = pages.map((page) =>
      fieldsOn(page, `action="${path}/permissions"`),
    );
    await one.post(`${path}/permissions`, { ...first, permissions: 'editor' });
    await other.post(`${path}/permissions`, { ...second, permissions: 'on_call' });
    expect((await people.find(site.here.sql, vic?.id ?? 0))?.permissions).toEqual([
      'editor',
      'on_call',
    ]);
    expect(textOf((await other.get(path)).text)).toContain(
      'Another administrator has granted Editor meanwhile.',
    );
    const third = fieldsOn((await one.get(path)).text, `action="${path}/permissions"`);
    await other.post(`${path}/permissions`, {
      ...second,
      shown: 'editor on_call',
      permissions: [],
    });
    await one.post(`${path}/permissions`, third);
    expect((await people.find(site.here.sql, vic?.id ?? 0))?.permissions).toEqual([]);
    expect(textOf((await one.get(path)).text)).toContain(
      'Another administrator has revoked Editor and On call meanwhile.',
    );
  });

  test('when two commands grant different permissions to a person at the same time, both permissions are stored (F16)', async () => {
    await hire(site.here, 'vic');
    const give = (permission: 'editor' | 'on_call') =>
      people.changePermission(site.here, site.here.setup, 'ops', {
        email: 'vic@example.com',
        permission,
        isGiven: true,
      });
    await Promise.all([give('editor'), give('on_call')]);
    const vic = (await people.list(site.here.sql)).find(({ name }) => name === 'vic');
    expect(vic?.permissions).toEqual(['editor', 'on_call']);
  });

  test('an administrator adds a person and grants permissions, and the audit log records both', async () => {
    const client = await site.as('ops');
    const wrong = await client.post('/people', { name: '', email: 'x', password: 'short' });
    expect(textOf(wrong.text)).toContain('Enter an e-mail address');
    const added = await client.post('/people', { name: 'Ana', email: 'Ana@Example.com', password });
    const path = added.headers['location'] ?? '';
    await client.post(`${path}/permissions`, {
      shown: '',
      permissions: ['product_manager', 'editor'],
    });
    expect(textOf((await client.get('/audit')).text)).toContain(
      'View only → Product manager, Editor',
    );
    const twice = await client.post('/people', { name: 'Ana', email: 'ana@example.com', password });
    expect(textOf(twice.text)).toContain('has an account already');
  });

  test('S0-25 the permission product_manager cannot be granted in production, even by a forged POST', async () => {
    const production = await openSite(world, 'production');
    const client = await production.as('ops');
    const { id = 0 } = (await people.list(production.here.sql))[0] ?? {};
    const answer = await client.post(`/people/${id}/permissions`, {
      shown: '',
      permissions: ['product_manager'],
    });
    expect(answer.status).toBe(422);
    expect(textOf(answer.text)).toContain('Product manager cannot be given in production');
    await production.close();
  });

  test('the permission administrator cannot be revoked from the last administrator', async () => {
    const client = await site.as('ops');
    const { id = 0 } = (await people.list(site.here.sql)).find(({ name }) => name === 'ops') ?? {};
    const answer = await client.post(`/people/${id}/permissions`, { shown: 'administrator' });
    expect(answer.status).toBe(422);
    expect(textOf(answer.text)).toContain('last administrator');
  });

  test('when two administrators close each other’s accounts at the same moment, only one is closed, so that an administrator remains', async () => {
    const { here } = site;
    const ids = [];
    for (const email of ['first@example.com', 'second@example.com']) {
      ids.push(await people.add(here, 'test', { name: 'Admin', email }, ['administrator']));
    }
    const [one = 0, other = 0] = ids;
    for (let round = 0; round < 10; round += 1) {
      const outcomes = await Promise.allSettled([
        people.setActive(here, 'second@example.com', one, false),
        people.setActive(here, 'first@example.com', other, false),
      ]);
      const refused = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
      );
      expect(refused).toMatchObject([
        { fields: { administrator: expect.stringContaining('last administrator') as string } },
      ]);
      for (const id of ids) await people.setActive(here, 'test', id, true);
    }
  });
});

test('a form posted after the session has ended is saved, and restored after signing in again', async () => {
  const form = { entity: 'form', id: await add(world.staging, 'form', { name: 'Visit details' }) };
  const client = await site.as('pm');
  await client.post('/sign-out');
  const typed = { name: 'Visit details', description: 'Line one\r\nline two', version: 1 };
  expect((await client.forge(`/catalog/form/${form.id}`, typed)).status).toBe(403);
  const kept = await client.post(`/catalog/form/${form.id}`, typed);
  expect([kept.status, kept.headers['location']]).toEqual([303, '/sign-in']);
  expect(textOf((await client.get('/sign-in')).text)).toContain('Your form is kept');
  const back = await client.post('/sign-in', { email: 'pm@example.com', password });
  expect(back.headers['location']).toBe('/saved-form');
  expect(textOf((await client.get('/saved-form')).text)).toContain('Description Line one line two');
  expect((await get(world.staging, form))['description']).toBeNull();
  await client.post(`/catalog/form/${form.id}`, typed);
  // Line breaks are normalised, because browsers post CRLF.
  expect((await get(world.staging, form))['description']).toBe('Line one\nline two');
});

describe('saving a form that was posted after the session had ended, until its user has signed in again', () => {
  const sent = async (body: Record<string, string>, path = '/catalog/form/1') => {
    const client = await site.as('pm');
    await client.post('/sign-out');
    await client.post(path, body);
    return textOf((await client.get('/sign-in')).text).includes('is kept');
  };

  test('a form that is posted after the session has ended is not saved if it contains a password', async () => {
    expect(await sent({ name: 'Address change' })).toBe(true);
    expect(await sent({ password: 'a secret of twelve' }, '/people/1/password')).toBe(false);
  });

  test('a form posted after the session has ended is not saved if it is too large, or if its IP address has too many saved forms', async () => {
    expect(await sent({ name: 'x'.repeat(2_500_000) })).toBe(false);
    const client = await site.as(null);
    for (let post = 0; post < 101; post += 1) await client.post('/catalog/form/1', { name: 'x' });
    expect(await sent({ name: 'Address change' })).toBe(false);
  });
});
