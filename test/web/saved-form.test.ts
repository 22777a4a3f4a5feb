import { describe, expect, test } from 'vitest';
import request from 'supertest';
import { routes } from '../../src/routes.ts';
import * as people from '../../src/people/people.ts';
import { openSignIn } from '../../src/people/sign-in.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { hire, password, textOf, useSite } from '../support/people.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');

/**
 * Simulates the tabs of one browser. The tabs share the cookies, and each tab posts the CSRF token
 * of the page that it shows.
 */
function openBrowser() {
  const agent = request.agent(site.app);
  const tokenOn = (html: string) => /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
  const post = (path: string, csrf: string, body: Record<string, string> = {}) =>
    agent
      .post(path)
      .type('form')
      .set('Sec-Fetch-Site', 'same-origin')
      .send({ ...body, csrf });
  const open = async (path: string) => tokenOn((await agent.get(path)).text);
  return {
    agent,
    post,
    open,
    signIn: async (role: string) => {
      await hire(site.here, role);
      return post('/sign-in', await open('/sign-in'), { email: `${role}@example.com`, password });
    },
    signOut: async () => post('/sign-out', await open('/')),
  };
}

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const typed = { name: 'Visit details', description: 'Typed in the first tab', version: '1' };
const newForm = async () => ({
  entity: 'form',
  id: await add(world.staging, 'form', { name: 'Visit details' }),
});

describe('forms posted from pages that were opened before the person signed in again', () => {
  test('a form on a page that was opened before signing in again is saved for the same person, who can send it at once (F15)', async () => {
    const form = await newForm();
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open(`/catalog/form/${form.id}`);
    await browser.signOut();
    await browser.signIn('pm');
    const kept = await browser.post(`/catalog/form/${form.id}`, first, typed);
    expect([kept.status, kept.headers['location']]).toEqual([303, '/saved-form']);
    const page = (await browser.agent.get('/saved-form')).text;
    expect(textOf(page)).toContain('Typed in the first tab');
    expect((await get(world.staging, form))['description']).toBeNull();
    const [, action = ''] = /action="(\/saved-form\/sending[^"]+)"/.exec(page) ?? [];
    const now = await browser.open('/saved-form');
    const on = await browser.post(action, now, typed);
    expect([on.status, on.headers['location']]).toEqual([307, `/catalog/form/${form.id}`]);
    await browser.post(on.headers['location'] ?? '', now, typed);
    expect((await get(world.staging, form))['description']).toBe('Typed in the first tab');
    expect((await browser.agent.get('/saved-form')).headers['location']).toBe('/');
  });

  test('a time in a saved form keeps the time zone in which it was typed, even if the person has chosen another time zone since', async () => {
    const banner = { entity: 'banner', id: await add(world.staging, 'banner') };
    const address = `/catalog/banner/${banner.id}`;
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open(address);
    const zoned = { start: '2026-11-30T09:00', start_zone: 'Asia/Kolkata', version: '1' };
    await browser.signOut();
    await browser.signIn('pm');
    await browser.post('/zone', await browser.open('/'), { zone: 'Europe/Berlin', return: '/' });
    await browser.post(address, first, zoned);
    const page = textOf((await browser.agent.get('/saved-form')).text);
    expect(page).toContain('Start 2026-11-30T09:00 Asia/Kolkata');
    expect(page).not.toContain('Start zone');
    const on = await browser.post('/saved-form/sending', await browser.open('/saved-form'), zoned);
    await browser.post(on.headers['location'] ?? '', await browser.open('/saved-form'), zoned);
    expect((await get(world.staging, banner))['start']).toBe('2026-11-30T03:30:00.000Z');
  });

  test('a form on a page that one person opened is not sent for another person, but saved for the person who opened it (F15)', async () => {
    const form = await newForm();
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open(`/catalog/form/${form.id}`);
    await browser.signOut();
    await browser.signIn('ed');
    const refused = await browser.post(`/catalog/form/${form.id}`, first, typed);
    expect(refused.status).toBe(409);
    expect(textOf(refused.text)).toContain('kept for that person');
    expect((await browser.agent.get('/saved-form')).headers['location']).toBe('/');
    await browser.signOut();
    expect((await browser.signIn('pm')).headers['location']).toBe('/saved-form');
    expect(textOf((await browser.agent.get('/saved-form')).text)).toContain(
      'Typed in the first tab',
    );
    expect((await get(world.staging, form))['description']).toBeNull();
  });

  test('the sign-out button of a page left open from an earlier session still works, unless another person has signed in since (F15)', async () => {
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open('/');
    await browser.signOut();
    await browser.signIn('pm');
    const theme = await browser.post('/theme', first, { theme: 'dark', return: '/people' });
    expect(theme.headers['location']).toBe('/people');
    expect((await browser.post('/sign-out', first)).headers['location']).toBe('/sign-in');
    await browser.signIn('ed');
    expect((await browser.post('/sign-out', first)).status).toBe(409);
    await browser.agent.get('/').expect(200);
  });

  test('a form is saved for its person even if the person who has signed in since may not send such a form (F15)', async () => {
    const form = await newForm();
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open(`/catalog/form/${form.id}`);
    await browser.signOut();
    await browser.signIn('vic');
    const refused = await browser.post(`/catalog/form/${form.id}`, first, typed);
    expect(refused.status).toBe(409);
    expect((await browser.agent.get('/saved-form')).headers['location']).toBe('/');
    await browser.signOut();
    expect((await browser.signIn('pm')).headers['location']).toBe('/saved-form');
  });

  test('a form is refused but saved when the permission of its person was revoked meanwhile (F15)', async () => {
    const form = await newForm();
    const browser = openBrowser();
    await browser.signIn('ed');
    const token = await browser.open(`/catalog/form/${form.id}`);
    const ed = (await people.list(site.here.sql)).find(({ name }) => name === 'ed');
    await people.setPermissions(site.here, site.here.setup, 'ops', ed?.id ?? 0, []);
    const refused = await browser.post(`/catalog/form/${form.id}`, token, typed);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('What you typed is kept for a day.');
    expect(textOf((await browser.agent.get('/saved-form')).text)).toContain(
      'Typed in the first tab',
    );
    expect((await get(world.staging, form))['description']).toBeNull();
  });

  test('the saved forms of several tabs are all kept, and the person can discard them one by one (F15)', async () => {
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open('/catalog/form/new');
    await browser.signOut();
    for (const name of ['One', 'Two']) await browser.post('/catalog/form', first, { name });
    expect((await browser.signIn('pm')).headers['location']).toBe('/saved-form');
    const page = (await browser.agent.get('/saved-form')).text;
    expect([page.includes('One'), page.includes('Two')]).toEqual([true, true]);
    const actions = [...page.matchAll(/action="(\/saved-form\/removal[^"]+)"/g)];
    const now = await browser.open('/saved-form');
    const left = [];
    for (const [, action = ''] of actions) {
      left.push((await browser.post(action, now)).headers['location']);
    }
    expect(left).toEqual(['/saved-form', '/']);
  });

  test('a saved form stays saved when the page to which it is sent refuses it (F15)', async () => {
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open('/catalog/form/new');
    await browser.signOut();
    await browser.signIn('pm');
    await browser.post('/catalog/form', first, { name: '', description: 'Kept' });
    const now = await browser.open('/saved-form');
    const on = await browser.post('/saved-form/sending', now);
    await browser.post(on.headers['location'] ?? '', now, { name: '', description: 'Kept' });
    expect(textOf((await browser.agent.get('/saved-form')).text)).toContain('Kept');
  });

  test('a chosen image is saved with its form, and a file that is not an image is reported (F15)', async () => {
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open('/catalog/banner/new');
    await browser.signOut();
    await browser.signIn('pm');
    const send = (content: Buffer) =>
      browser.agent
        .post('/catalog/banner')
        .set('Sec-Fetch-Site', 'same-origin')
        .field({ csrf: first, title: 'Diwali' })
        .attach('image', content, 'banner.png');
    expect((await send(pixel)).headers['location']).toBe('/saved-form');
    const page = (await browser.agent.get('/saved-form')).text;
    const [, name = ''] = /<input type="hidden" name="image" value="([^"]+)" \/>/.exec(page) ?? [];
    await browser.agent.get(`/objects/${name}`).expect(200);
    await send(Buffer.from('no image'));
    const both = textOf((await browser.agent.get('/saved-form')).text);
    expect(both).toContain('Choose the file for Image again');
  });

  test('a form with 1,201 linked cities is saved and given back completely (F15, F17)', async () => {
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open('/catalog/business/new');
    await browser.signOut();
    const lines = Array.from({ length: 1201 }, (_one, line) => [
      [`cities[${line}][city]`, `City ${line}`],
      [`cities[${line}][priority]`, String(line)],
    ]).flat();
    const sent = { name: 'Everywhere', ...Object.fromEntries(lines) };
    await browser.post('/catalog/business', first, sent);
    expect((await browser.signIn('pm')).headers['location']).toBe('/saved-form');
    const page = (await browser.agent.get('/saved-form')).text;
    const kept = fieldsOn(page, 'action="/saved-form/sending');
    expect(kept).toMatchObject(sent);
    const on = await browser.post('/saved-form/sending', await browser.open('/saved-form'), sent);
    expect([on.status, on.headers['location']]).toEqual([307, '/catalog/business']);
  });

  test('when a save fails, the error page keeps the chosen image and the typed values, so that the user can send them again (F15)', async () => {
    const browser = openBrowser();
    await browser.signIn('pm');
    const token = await browser.open('/catalog/banner/new');
    await world.staging.sql.query('rename table transfer to transfer_away');
    const answer = await browser.agent
      .post('/catalog/banner')
      .set('Sec-Fetch-Site', 'same-origin')
      .field({ csrf: token, title: 'Diwali' })
      .attach('image', pixel, 'banner.png');
    await world.staging.sql.query('rename table transfer_away to transfer');
    expect(answer.status).toBe(500);
    expect(fieldsOn(answer.text, 'action="/saved-form/sending')).toMatchObject({
      title: 'Diwali',
      image: expect.stringMatching(/\.png$/),
    });
  });

  test('every form that a signed-in person may post can be saved for later (F15)', async () => {
    const all = routes(openSignIn(site.here, site.redis)).filter(
      ({ method, allow, path }) =>
        method === 'post' && allow === 'look' && !path.startsWith('/saved-form'),
    );
    expect(all.length).toBeGreaterThan(1);
    const browser = openBrowser();
    await browser.signIn('pm');
    const first = await browser.open('/');
    await browser.signOut();
    await browser.signIn('pm');
    for (const { path, body } of all) {
      const kept = await browser.post(path.replaceAll(/:\w+/g, '1'), first, { note: path });
      const wanted = body.kind === 'none' ? undefined : '/saved-form';
      expect([path, kept.headers['location']]).toEqual([path, wanted]);
      // The server keeps at most ten saved forms of a person, so this test deletes them after each post.
      const saved = await site.redis.keys('oneway:staging:saved-forms:*');
      if (saved.length > 0) await site.redis.del(saved);
    }
  });
});

test('a form from a browser in which nobody has signed in is neither read nor saved (B1)', async () => {
  const before = (await site.redis.keys('oneway:staging:saved-forms:*')).length;
  const browser = openBrowser();
  const answer = await browser.post('/catalog/form', await browser.open('/sign-in'), typed);
  expect([answer.status, answer.headers['location']]).toEqual([303, '/sign-in']);
  expect((await site.redis.keys('oneway:staging:saved-forms:*')).length).toBe(before);
});
