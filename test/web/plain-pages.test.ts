// Tests that pages show the names of people instead of their e-mails, and no times in the format of databases and
// programs.
import { expect, test } from 'vitest';
import { hold } from '../../src/transfers/hold.ts';
import { sentence } from '../../src/web/partials.ts';
import { formatFor } from '../../src/web/viewer.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, ed, pm, transfer, undo } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

test('in a sentence on a page, the e-mail of a person is replaced by the name, with the e-mail on hover, and HTML is escaped', () => {
  const names = new Map([['pm@example.com', 'Ana <b>']]);
  formatFor({ zone: 'UTC', names }, () => {
    expect(sentence('Undone by pm@example.com: “<i>” (pm@example.com).')).toBe(
      'Undone by <span title="pm@example.com">Ana &lt;b&gt;</span>: “&lt;i&gt;” (<span title="pm@example.com">Ana &lt;b&gt;</span>).',
    );
    expect(sentence('Ask xpm@example.com or pm@example.com.au')).toBe(
      'Ask xpm@example.com or pm@example.com.au',
    );
    for (const ending of ['’s', '?', '!', '.', '’s?']) {
      expect(sentence(`Is it pm@example.com${ending}`)).toBe(
        `Is it <span title="pm@example.com">Ana &lt;b&gt;</span>${ending}`,
      );
    }
    expect(sentence(null)).toBe('');
  });
});

test('in a sentence on a page, a UTC time that a job wrote is shown in the time zone of the person who reads it', () => {
  const read = (text: string) =>
    formatFor({ zone: 'Asia/Kolkata', names: new Map() }, () =>
      sentence(text).replaceAll(/<[^>]*>/g, ''),
    );
  expect(read('Ahead: 2026-11-09 19:00:00 UTC, and <b>.')).toBe(
    'Ahead: 10 Nov 2026, 00:30 GMT+5:30, and &lt;b&gt;.',
  );
  expect(read('Last changed 2026-11-09 19:00:00.123 UTC')).toBe(
    'Last changed 10 Nov 2026, 00:30 GMT+5:30',
  );
  expect(read('It was due on 9 Sept 2026, 19:00 UTC.')).toBe(
    'It was due on 10 Sept 2026, 00:30 GMT+5:30.',
  );
  expect(read('12026-13-45 99:00 UTC')).toBe('12026-13-45 99:00 UTC');
});

const raw = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
/** Returns the text that the main part of a page shows, without markup. */
const shownOn = (html: string) => textOf(/<main[^]*<\/main>/.exec(html)?.[0] ?? '');

/**
 * Makes rows in different states: changed by an engineer, on hold (Not for production), undone, and changed in both
 * environments.
 */
async function makeHistory() {
  const { staging, preprod } = world;
  const business = await add(staging, 'business', { name: 'Kesar Care' });
  const start = '2026-11-30T09:00:00.000Z';
  const banner = { entity: 'banner', id: await add(staging, 'banner', { business, start }) };
  const form = { entity: 'form', id: await add(staging, 'form', { description: 'First' }) };
  const held = { entity: 'form', id: await add(staging, 'form') };
  const engineers = { entity: 'form', id: await add(staging, 'form') };
  const rows = [banner, form, engineers];
  await transfer(staging, rows);
  await transfer(preprod, rows);
  await change(staging, form, { description: 'Second' });
  await undo(staging, await transfer(staging, [form]));
  await change(preprod, banner, { start: '2026-12-01T09:00:00.000Z' }, ed);
  await change(staging, banner, { start: '2026-12-02T09:00:00.000Z' });
  await change(staging, engineers, { description: 'By an engineer' }, ed);
  await hold(staging, pm.email, held, 'A test');
  return { banner, form, held, engineers };
}

const lists = [
  '/',
  '/changes',
  '/transfers',
  '/transfers/1',
  '/transfers/2',
  '/transfers/3',
  '/audit',
];
const more = ['/arrivals', '/pending', '/comparison', '/name-mappings', '/messages', '/outbox'];
const others = ['/jobs', '/datasets', '/datafiles', '/sources', '/databases', '/account-moves'];

test('S0-100 no page of staging, pre-production or production shows an e-mail instead of a name, or a time in the format of a database', async () => {
  const rows = Object.values(await makeHistory());
  const wrong: string[] = [];
  const seen: string[] = [];
  for (const name of ['staging', 'preprod', 'production'] as const) {
    const site = await openSite(world, name);
    for (const role of ['ed', 'ops']) await site.as(role);
    const client = await site.as('pm');
    const opened = [...lists, ...more, ...others];
    const own = rows.flatMap(({ entity, id }) => [
      `/catalog/${entity}`,
      `/catalog/${entity}/${id}`,
      `/catalog/${entity}/${id}/history`,
    ]);
    if (name === 'staging') {
      const keys = rows.map(({ entity, id }) => `${entity}:${id}`);
      const answer = await client.post('/selections', { rows: keys });
      own.push(answer.headers['location'] ?? '');
    }
    for (const address of [...opened, ...own]) {
      const { status, text } = await client.get(address);
      const shown = shownOn(text);
      if (status === 200) seen.push(`${name} ${shown}`);
      const found = /\S+@example\.com/.exec(shown)?.[0] ?? raw.exec(shown)?.[0];
      if (status === 200 && found) wrong.push(`${name} ${address}: ${found}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen.length).toBeGreaterThan(70);
  for (const sentenceShown of [
    'was undone from pre-production by pm : It was too early. The content is the same.',
    'was changed by an engineer ( ed ): Description.',
    'is marked Not for production by pm : A test.',
  ]) {
    expect(seen.filter((text) => text.includes(sentenceShown)).length).toBeGreaterThan(0);
  }
}, 60_000);
