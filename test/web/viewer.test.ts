// Tests that times are shown in the zone of the person who reads them, and people by name.
import { expect, test } from 'vitest';
import request from 'supertest';
import { run, sql } from '../../src/database/sql.ts';
import { perZone } from '../../src/per-zone.ts';
import { exactly, personName } from '../../src/web/format.ts';
import { timesIn } from '../../src/zoned-text.ts';
import { formatFor } from '../../src/web/viewer.ts';
import { hire, password, useSite } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
type Agent = ReturnType<typeof request.agent>;

test.each([
  ['UTC', '1 Feb 2026, 20:15 UTC'],
  ['Asia/Kolkata', '2 Feb 2026, 01:45 GMT+5:30'],
  ['Europe/Berlin', '1 Feb 2026, 21:15 CET'],
])('a time is formatted in the time zone %s, with the name of that time zone', (zone, text) => {
  formatFor({ zone, names: new Map() }, () => {
    expect(exactly('2026-02-01 20:15:00.000')).toBe(text);
    expect(exactly('0000-00-00 00:00:00.000')).toBe('0000-00-00 00:00:00.000');
  });
});

test('a person is shown by name, and a program, which has no account, under the name with which it was recorded', () => {
  formatFor({ zone: 'UTC', names: new Map([['pm@example.com', 'Ana']]) }, () => {
    expect(personName('pm@example.com')).toBe('Ana');
    expect(personName('nightly')).toBe('nightly');
  });
});

test('at the first sign-in an account gets the browser’s time zone; a time zone that the person saves later applies in every browser', async () => {
  await hire(site.here, 'pm');
  const signIn = async (zone: string) => {
    const browser = request.agent(site.app);
    browser.jar.setCookie(`browser-zone=${zone}`, '127.0.0.1', '/');
    const { text } = await browser.get('/sign-in');
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1];
    const signed = await browser
      .post('/sign-in')
      .type('form')
      .set('Sec-Fetch-Site', 'same-origin')
      .send({ email: 'pm@example.com', password, csrf });
    expect(signed.status).toBe(303);
    return browser;
  };
  const zoneIn = async (browser: Agent) =>
    /Times in ([\w/]+)/.exec((await browser.get('/account')).text)?.[1];
  const first = await signIn('Asia/Kolkata');
  expect(await zoneIn(first)).toBe('Asia/Kolkata');
  expect(await zoneIn(await signIn('Europe/Berlin'))).toBe('Asia/Kolkata');
  const ana = await site.as('pm');
  expect((await ana.post('/zone', { zone: 'Mars/Olympus', return: '/' })).status).toBe(422);
  await ana.post('/zone', { zone: 'Europe/Lisbon', return: '/account' });
  expect([await zoneIn(first), await zoneIn(await signIn('Europe/Berlin'))]).toEqual([
    'Europe/Lisbon',
    'Europe/Lisbon',
  ]);
  const id = await add(world.staging, 'form', { name: 'Zoned' });
  expect((await ana.get(`/catalog/form/${id}`)).text).toContain('title="pm@example.com"');
});

test('a stored zone that this version of Node does not know breaks no page: the browser’s zone is used', async () => {
  const vic = await site.as('vic');
  await run(
    site.here.sql,
    sql`update person set time_zone = 'Mars/Olympus' where email = 'vic@example.com'`,
  );
  const { text } = await vic.get('/account').expect(200);
  expect(text).toContain('Times in UTC');
});

test('zones in any upper and lower case, which browsers may send, do not fill the memory', () => {
  let made = 0;
  const madeOf = perZone((zone) => ((made += 1), zone));
  for (const round of [1, 2]) {
    for (let index = 0; index < 1000; index += 1) {
      expect(madeOf(`Zone/${index}`)).toBe(`Zone/${index}`);
      madeOf(`Zone/${index}`);
    }
    expect(made).toBe(1000 * round);
  }
});

test('the UTC times in a text are converted to another time zone, and dates that do not exist stay unchanged', () => {
  expect(
    timesIn(
      'Asia/Kolkata',
      'Until 1 Feb 2026, 20:15 UTC or 2026-02-01 20:15:00 UTC, not 99 Xyz 2026, 20:15 UTC.',
    ),
  ).toBe(
    'Until 2 Feb 2026, 01:45 GMT+5:30 or 2 Feb 2026, 01:45 GMT+5:30, not 99 Xyz 2026, 20:15 UTC.',
  );
});
