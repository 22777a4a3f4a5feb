// One inbox across environments: three servers, of which each reads a person's messages from the others.
import { expect, test } from 'vitest';
import request from 'supertest';
import { forgetCached } from '../../src/database/cached-for.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { deadlines } from '../../src/environments/neighbours.ts';
import * as inApp from '../../src/messages/channels/in-app.ts';
import { notify } from '../../src/messages/messages.ts';
import * as people from '../../src/people/people.ts';
import { hire, openSite, textOf, type Client } from '../support/people.ts';
import {
  besideSilence,
  neighbourSettings,
  sharedToken,
  useNeighbours,
} from '../support/neighbours.ts';
import { statementsOf } from '../support/statements.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const neighbours = useNeighbours(world);
const pm = 'pm@example.com';

/** Adds a message that is this many minutes old. */
async function notifyIn(here: App, text: string, minutes = 0, to = pm) {
  await notify(here.sql, {
    event: 'rows.undone',
    to,
    text,
    href: '/transfers/1?a=“b”&c',
    email: null,
  });
  await run(
    here.sql,
    sql`update message set at = utc_timestamp(3) - interval ${minutes} minute where text = ${text}`,
  );
}

/** The messages on the page, each as text: whether it is new, its text, its environment and its age. */
const linesOn = (page: string) =>
  (page.split('aria-label="Messages"')[1]?.match(/<li>.*?<\/li>/gs) ?? []).map(textOf);

const bellOf = async (client: Client) => {
  forgetCached();
  const { text } = await client.get('/account');
  return bellOn(text);
};

const bellOn = (text: string) => textOf(/<a class="bell.*?<\/a>/s.exec(text)?.[0] ?? '');

test('the inbox in each environment lists the person’s messages of all environments, and Mark all as read marks all of them', async () => {
  const { sites, urls } = neighbours;
  const clients = {
    staging: await sites.staging.as('pm'),
    preprod: await sites.preprod.as('pm'),
    production: await sites.production.as('pm'),
  };
  expect(await bellOf(clients.staging)).toBe('No new messages');
  await notifyIn(sites.staging.here, 'Here <b>“🌱”</b>', 20);
  await notifyIn(sites.preprod.here, 'Before', 30);
  await notifyIn(sites.preprod.here, 'Read before', 40);
  await notifyIn(sites.production.here, 'Afterwards', 10);
  await notifyIn(sites.production.here, 'Of another person', 5, 'ed@example.com');
  await run(
    sites.preprod.here.sql,
    sql`update message set read_at = utc_timestamp(3) where text = 'Read before'`,
  );
  for (const client of Object.values(clients)) {
    const { text } = await client.get('/messages').expect(200);
    expect(linesOn(text)).toEqual([
      'New: Afterwards Production · 10 min ago',
      'New: Here &lt;b&gt;“🌱”&lt;/b&gt; Staging · 20 min ago',
      'New: Before Pre-production · 30 min ago',
      'Read before Pre-production · 40 min ago',
    ]);
  }
  expect(await bellOf(clients.preprod)).toBe('3 3 new messages (1 in staging, 1 in production)');
  const page = (await clients.preprod.get('/messages')).text;
  expect(page).toContain(`<a href="${urls.production}/transfers/1?a=%E2%80%9Cb%E2%80%9D&amp;c">`);
  expect(page).toContain('<a href="/transfers/1?a=“b”&amp;c">');
  // A message that arrives after the page was shown stays marked as new.
  await notifyIn(sites.production.here, 'Later');
  await clients.preprod.post('/messages/reading', fieldsOn(page, 'action="/messages/reading"'));
  expect(bellOn((await clients.preprod.get('/account')).text)).toBe(
    '1 1 new message (1 in production)',
  );
  expect(
    linesOn((await clients.staging.get('/messages')).text).map((one) => one.slice(0, 10)),
  ).toEqual(['New: Later', 'Afterwards', 'Here &lt;b', 'Before Pre', 'Read befor']);
  expect(await bellOf(clients.staging)).toBe('1 1 new message (1 in production)');
  expect(await inApp.unread(sites.production.here.sql, 'ed@example.com')).toBe(1);
});

test('a person whose account in another environment is closed or missing neither sees nor marks messages of that environment', async () => {
  const { sites } = neighbours;
  const client = await sites.staging.as('pm');
  await hire(sites.preprod.here, 'pm');
  const [person] = await people.list(sites.preprod.here.sql);
  await people.setActive(sites.preprod.here, 'test', person?.id ?? 0, false);
  await notifyIn(sites.preprod.here, 'Of a closed account');
  await notifyIn(sites.production.here, 'Of nobody here');
  const { text } = await client.get('/messages').expect(200);
  expect(linesOn(text)).toEqual([]);
  expect(text).not.toContain('are not listed');
  expect(await bellOf(client)).toBe('No new messages');
  await client.post('/messages/reading', { up_to_preprod: '999999', up_to_production: '999999' });
  expect(await inApp.unread(sites.preprod.here.sql, pm)).toBe(1);
});

test('a message of another environment leads only into that environment', async () => {
  const { sites } = neighbours;
  const client = await sites.preprod.as('pm');
  await hire(sites.staging.here, 'pm');
  for (const href of ['https://example.com/sign-in', '//example.com', 'javascript:alert(1)']) {
    await inApp.add(sites.staging.here.sql, pm, { event: 'rows.undone', text: 'Led away', href });
  }
  const { text } = await client.get('/messages').expect(200);
  expect(linesOn(text)).toHaveLength(3);
  expect(text).not.toMatch(/example\.com\/sign-in|\/\/example\.com|javascript:/);
});

test('the inbox names another environment that does not answer, waits for it only once, and does not mark its messages as read', async () => {
  const { sites, urls } = neighbours;
  const { answer } = deadlines;
  deadlines.answer = 300;
  try {
    const site = await besideSilence(world, urls);
    const client = await site.as('pm');
    await hire(sites.production.here, 'pm');
    await notifyIn(sites.production.here, 'From production');
    const opened = async () => {
      const begun = performance.now();
      const { text } = await client.get('/messages').expect(200);
      return { text, ms: performance.now() - begun };
    };
    const { text } = await opened();
    expect(textOf(text)).toContain(
      'Messages of Pre-production are not listed: its server does not answer. Open the messages of Pre-production',
    );
    expect(linesOn(text)).toEqual(['New: From production Production · just now']);
    expect((await opened()).ms).toBeLessThan(250);
    await client.post('/messages/reading', { up_to_preprod: '5', up_to_production: '999999' });
    expect(textOf((await opened()).text)).toContain(
      'Still marked as new: messages of pre-production (its server does not answer).',
    );
    expect(await inApp.unread(sites.production.here.sql, pm)).toBe(0);
  } finally {
    deadlines.answer = answer;
  }
});

test('servers exchange messages only with the right PEOPLE_TOKEN, and the inbox runs as many SQL statements for 100 messages as for one', async () => {
  const { sites, urls } = neighbours;
  const client = await sites.preprod.as('pm');
  await hire(sites.production.here, 'pm');
  const ask = (path: string, token: string) =>
    request(sites.production.app).post(path).send({ email: pm, upTo: 1000, token });
  await notifyIn(sites.production.here, 'Secret');
  for (const path of ['', '/unread', '/reading']) {
    const { status, text } = await ask(`/bridge/messages${path}`, 'wrong');
    expect([path, status, text.includes('Secret')]).toEqual([path, 401, false]);
  }
  expect(await inApp.unread(sites.production.here.sql, pm)).toBe(1);
  expect((await ask('/bridge/messages', sharedToken)).text).toContain('Secret');
  const open = () => client.get('/messages').expect(200);
  await open();
  const one = await statementsOf(open);
  for (let more = 0; more < 120; more += 1) {
    await inApp.add(sites.production.here.sql, pm, {
      event: 'rows.undone',
      text: 'More',
      href: null,
    });
  }
  expect(await statementsOf(open)).toBe(one);
  expect(linesOn((await open()).text)).toHaveLength(100);
  const site = await openSite(world, 'staging', { ...neighbourSettings(urls), PEOPLE_TOKEN: '' });
  expect(textOf((await (await site.as('pm')).get('/messages')).text)).toContain(
    'Messages of Production are not listed: PEOPLE_TOKEN is not set on this server.',
  );
});

test('the database accounts with which staging reads other environments may not read messages in those environments', async () => {
  const { destination, source } = world.staging;
  for (const there of [destination, source]) {
    if (!there) throw new Error('Staging has a destination and a source.');
    for (const column of [sql`text`, sql`person`, sql`read_at`]) {
      await expect(select(there.sql, sql`select ${column} from message`)).rejects.toMatchObject({
        code: 'ER_TABLEACCESS_DENIED_ERROR',
      });
    }
  }
});
