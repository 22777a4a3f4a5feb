// The page of an inbox: who may open it, which threads, messages and files it shows, and that it escapes all texts.
import { beforeEach, expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import type { Move } from '../../src/account-moves/moves.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { excerptOf } from '../../src/inbox/message-view.ts';
import { searchMessages } from '../../src/inbox/search.ts';
import { addMessages, addThreads } from '../support/inbox-rows.ts';
import { addMove, useMoves } from '../support/moves.ts';
import { textOf, useClient, useSite } from '../support/people.ts';

const world = useMoves();
const site = useSite(world, 'staging');
const mia = useClient(site, 'mia');
const vic = useClient(site, 'vic');
let here: App;
let move: Move;
beforeEach(async () => {
  here = world.staging;
  move = await addMove(here, 'acc-1', { migration_status: 'completed', run: 1, name: 'Shop' });
});

const text = async (path: string) => textOf((await mia.get(path)).text);
const bodiesOn = (html: string) =>
  [...html.matchAll(/<div class="body">([^<]*)<\/div>/g)].map(([, body]) => body);
const link = (html: string, words: string) =>
  new RegExp(`href="([^"]+)">\\s*${words}`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
const at = encodeURIComponent;

test('only people with permission to read customers’ inboxes see message texts, and opening an inbox is recorded in the audit history', async () => {
  await addThreads(here.sql, move.account_id, [{ id: 't-1' }]);
  const [position = ''] = await addMessages(here.sql, move.account_id, 't-1', [
    { body: 'private' },
  ]);
  const paths = ['/inbox/acc-1', `/inbox/acc-1/messages/${at(position)}`];
  for (const path of paths) {
    const answer = await vic.get(path);
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain('private');
  }
  expect((await vic.get(`/inbox/acc-1/attachments/${at(position)}/f`)).status).toBe(403);
  expect(await text('/inbox/acc-1')).toContain('private');
  expect(
    await select(
      here.sql,
      sql`select person, subject, detail from audit where action = 'opened an inbox'`,
    ),
  ).toEqual([{ person: 'mia@example.com', subject: 'acc-1', detail: 'thread t-1' }]);
});

test('the inbox lists threads newest first, and opens the newest thread with its messages newest first', async () => {
  await addThreads(here.sql, move.account_id, [
    { id: 'old', title: 'Older thread', last_at: '2026-11-19 10:00:00' },
    { id: 'new', title: 'Newer thread', last_at: '2026-11-21 10:00:00', customer: 'Carla' },
  ]);
  await addMessages(here.sql, move.account_id, 'new', [{ body: 'first' }, { body: 'second' }]);
  await addMessages(here.sql, move.account_id, 'old', [{ body: 'other' }]);
  const { text: html } = await mia.get('/inbox/acc-1');
  expect(textOf(html)).toContain('Inbox of Shop Account acc-1');
  expect(textOf(html)).toMatch(/Newer thread Carla .* Older thread/);
  expect(bodiesOn(html)).toEqual(['second', 'first']);
  expect(bodiesOn((await mia.get('/inbox/acc-1?thread=old')).text)).toEqual(['other']);
  expect((await mia.get('/inbox/acc-1?thread=none')).status).toBe(404);
  expect((await mia.get('/inbox/nobody')).status).toBe(404);
});

test('the page of an inbox says whether all, only the recent or no messages of the account have been migrated', async () => {
  const recent = {
    migration_status: 'recent-messages-only',
    reached: 'recent-messages-only',
  } as const;
  const states = [
    [
      { migration_status: 'channels-only', reached: 'channels-only' },
      'Messages are still arriving.',
    ],
    [recent, 'Older messages are still arriving.'],
    [{ ...recent, part: 'recent' }, 'Only the recent messages are here.'],
    [{ migration_status: 'failed' }, 'The migration failed'],
    [{ migration_status: 'not_started' }, 'has not begun'],
  ] as const;
  for (const [index, [state, words]] of states.entries()) {
    await addMove(here, `state-${index}`, state);
    expect(await text(`/inbox/state-${index}`)).toContain(words);
  }
  expect(await text('/inbox/acc-1')).not.toMatch(/arriving|Only|failed|begun/);
});

test('the inbox escapes HTML in account names, titles, messages and attachments', async () => {
  const evil = '<script>alert(1)</script>';
  await addMove(here, 'evil', { migration_status: 'completed', name: evil });
  const [{ id } = { id: 0 }] = await select<{ id: number }>(
    here.sql,
    sql`select id from inbox_account where external_id = 'evil'`,
  );
  await addThreads(here.sql, id, [{ id: 't-1', title: evil, customer: evil }]);
  const [position = ''] = await addMessages(here.sql, id, 't-1', [
    { body: `${evil}\n\n  two  spaces`, author: evil },
  ]);
  await addFile(id, position, { id: 'f', name: `${evil}.png`, state: 'skipped', reason: evil });
  for (const path of ['/inbox/evil', `/inbox/evil?q=${at(evil)}`, `/inbox/evil?q=${at('two')}`]) {
    const { text: html } = await mia.get(path);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toContain('<script>alert');
  }
  expect((await mia.get('/inbox/evil')).text).toContain('\n\n  two  spaces</div>');
});

test('the inbox marks messages and threads that were deleted in Conversations, the older system from which they were migrated', async () => {
  await addThreads(here.sql, move.account_id, [{ id: 't-1' }]);
  await addMessages(here.sql, move.account_id, 't-1', [{ body: 'gone' }, { body: 'here' }]);
  expect(await text('/inbox/acc-1')).not.toContain('Deleted in the older system');
  await run(here.sql, sql`update inbox_message set gone_at = utc_timestamp(3) where body = 'gone'`);
  expect((await text('/inbox/acc-1')).match(/Deleted in the older system/g)).toHaveLength(1);
  await run(here.sql, sql`update inbox_thread set gone_at = utc_timestamp(3)`);
  expect((await text('/inbox/acc-1')).match(/Deleted in the older system/g)).toHaveLength(3);
});

type FileFields = {
  id: string;
  name?: string;
  type?: string;
  state?: string;
  reason?: string;
  content?: Buffer;
};

/** Adds an attachment to a message, and stores the content of the attachment if there is one. */
async function addFile(account: number, position: string, file: FileFields) {
  const { id, name = `${id}.bin`, type = '', reason = null, content } = file;
  const object = content
    ? `inbox/${account}/${createHash('sha256')
        .update(position + id)
        .digest('hex')}`
    : null;
  const stored = content && object ? await here.storage.put(object, content) : null;
  await run(
    here.sql,
    sql`insert into inbox_attachment (account_id, position, id, name, type, url, state, object, size, sha256, reason)
        values (${account}, ${position}, ${id}, ${name}, ${type}, 'https://media.example.com/x',
          ${file.state ?? (content ? 'stored' : 'waiting')}, ${object}, ${stored?.size ?? null},
          ${stored?.checksum ?? null}, ${reason})`,
  );
}

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const page = Buffer.from('<html><script>alert(1)</script></html>');

/** Requests a page or a file; returns the response with its body as bytes. */
const bytesAt = (path: string) =>
  mia
    .get(path)
    .buffer(true)
    .parse((response, done) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => done(null, Buffer.concat(parts)));
    });

test('the inbox offers attachments as downloads, and shows an attachment as an image only if its content is one', async () => {
  const { account_id: account } = move;
  await addThreads(here.sql, account, [{ id: 't-1' }]);
  const [position = ''] = await addMessages(here.sql, account, 't-1', [{ body: 'see' }]);
  await addFile(account, position, { id: 'real', type: 'text/plain', content: png });
  await addFile(account, position, {
    id: 'fake',
    name: 'fake.png',
    type: 'image/png',
    content: page,
  });
  await addFile(account, position, { id: 'late' });
  // A repeated migration of the account fetches this attachment again; its stored content stays readable meanwhile
  // (33).
  await addFile(account, position, { id: 'again', state: 'waiting', content: page });
  await addFile(account, position, {
    id: 'lost',
    state: 'skipped',
    reason: '404 at the media host',
  });
  const { text: html } = await mia.get('/inbox/acc-1');
  expect([...html.matchAll(/<img src="([^"]+)"/g)].map(([, src]) => src)).toEqual([
    `/inbox/acc-1/images/${at(position)}/real`,
  ]);
  expect(textOf(html)).toContain('Not available: 404 at the media host');
  expect(textOf(html)).toContain('late.bin Not here yet');
  expect(html).toContain(`href="/inbox/acc-1/attachments/${at(position)}/again"`);
  expect(textOf(html)).not.toContain('again.bin Not here yet');
  const shown = await bytesAt(`/inbox/acc-1/images/${at(position)}/real`);
  expect([shown.headers['content-type'], shown.body]).toEqual(['image/png', png]);
  expect((await mia.get(`/inbox/acc-1/images/${at(position)}/fake`)).status).toBe(404);
  const file = await bytesAt(`/inbox/acc-1/attachments/${at(position)}/fake`);
  expect(file.body).toEqual(page);
  expect(file.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename=fake.png',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  });
  for (const id of ['late', 'lost', 'none', at("' or 1=1")]) {
    expect((await mia.get(`/inbox/acc-1/attachments/${at(position)}/${id}`)).status).toBe(404);
  }
  expect(
    await select(here.sql, sql`select detail from audit where action = 'downloaded an attachment'`),
  ).toEqual([{ detail: 'fake.png' }]);
});

test('the URLs of one account’s inbox do not lead to messages and attachments of another account', async () => {
  const other = await addMove(here, 'acc-2', { migration_status: 'completed' });
  const [position = ''] = await addMessages(here.sql, other.account_id, 't-1', [
    { body: 'theirs' },
  ]);
  await addFile(other.account_id, position, { id: 'f', content: png });
  for (const part of [
    `attachments/${at(position)}/f`,
    `images/${at(position)}/f`,
    `messages/${at(position)}`,
  ]) {
    expect((await mia.get(`/inbox/acc-1/${part}`)).status).toBe(404);
    expect((await mia.get(`/inbox/acc-2/${part}`)).status).toBe(200);
  }
});

test('the inbox page still loads if the object storage has lost the content of an image', async () => {
  const [position = ''] = await addMessages(here.sql, move.account_id, 't-1', [{ body: 'see' }]);
  await addThreads(here.sql, move.account_id, [{ id: 't-1' }]);
  await addFile(move.account_id, position, {
    id: 'f',
    content: Buffer.concat([png, Buffer.from('lost')]),
  });
  const [{ object } = { object: '' }] = await select<{ object: string }>(
    here.sql,
    sql`select object from inbox_attachment`,
  );
  await here.storage.delete(object);
  const { status, text: html } = await mia.get('/inbox/acc-1');
  expect([status, html.includes('<img')]).toEqual([200, false]);
  expect((await mia.get(`/inbox/acc-1/attachments/${at(position)}/f`)).status).toBe(404);
});

test('a search in an inbox finds only messages and threads of its account, and links to the found message', async () => {
  const other = await addMove(here, 'acc-2', { migration_status: 'completed' });
  await addThreads(here.sql, other.account_id, [{ id: 't-1', title: 'Their refund' }]);
  await addMessages(here.sql, other.account_id, 't-1', [{ body: 'their refund' }]);
  await addThreads(here.sql, move.account_id, [
    { id: 't-1', title: 'Order 7' },
    { id: 't-2', title: 'Refund' },
  ]);
  const many = Array.from({ length: 60 }, (_none, index) => ({ body: `message ${index}` }));
  many[3] = { body: 'About my REFUND of 10% (café)' };
  const positions = await addMessages(here.sql, move.account_id, 't-1', many.slice(0, 59));
  const { text: html } = await mia.get('/inbox/acc-1?q=refund');
  expect(textOf(html)).not.toContain('heir refund');
  expect(bodiesOn(html)).toEqual(['About my REFUND of 10% (café)']);
  expect(textOf(html)).toMatch(/Order 7 .* Refund|Refund .* Order 7/);
  const leading = link(html, 'Order 7<\\/a>\\s*<b>');
  expect(leading).toContain(`from=${at(positions[3] ?? '')}`);
  const found = bodiesOn((await mia.get(leading.split('#')[0] ?? '')).text);
  expect(found[0]).toContain('REFUND');
  expect(found).toHaveLength(4);
  for (const [query, number] of [
    ['10%', 1],
    ['10_', 0],
    ['CAFE', 1],
    ['%', 1],
    ['nothing like it', 0],
  ] as const) {
    const { items } = await searchMessages(here.sql, move.account_id, { search: query });
    expect([query, items.length]).toEqual([query, number]);
  }
  const nothing = await mia.get('/inbox/acc-1?q=nothing+like+it');
  expect(link(nothing.text, 'Clear search')).toBe('/inbox/acc-1');
  expect(textOf(nothing.text)).toContain('No message contains it.');
});

test.each([
  ['short', 'short', 'short'],
  [
    `${'a'.repeat(300)}needle${'b'.repeat(300)}`,
    'NEEDLE',
    `…${'a'.repeat(140)}needle${'b'.repeat(140)}…`,
  ],
  ['😀'.repeat(200), 'x', `${'😀'.repeat(70)}…`],
])(
  'the excerpt of a found message shows the text around the searched text (case %#)',
  (body, search, excerpt) => {
    expect(excerptOf({ body }, search)).toBe(excerpt);
  },
);

test('the inbox shows 10,000 messages 50 on a page, and the beginning of a long message with a link to its whole text', async () => {
  await addThreads(here.sql, move.account_id, [{ id: 't-1' }]);
  const [position = ''] = await addMessages(here.sql, move.account_id, 't-1', [
    { body: `${'x'.repeat(30_000)}end` },
  ]);
  const digits = sql`(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4
                      union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)`;
  await run(
    here.sql,
    sql`insert into inbox_message (account_id, position, thread_id, direction, body, run)
        select ${move.account_id}, concat('2026-10-', 10 + a.d, 'T1', b.d, ':', 10 + c.d, ':', 10 + d.d, '.000Z#x'),
               't-1', 'out', concat('sent ', a.d, b.d, c.d, d.d), 1
          from ${digits} a, ${digits} b, ${digits} c, ${digits} d`,
  );
  const first = (await mia.get('/inbox/acc-1')).text;
  const shown = bodiesOn(first);
  expect([shown.length, shown[0]?.length, shown[1]]).toEqual([50, 10_000, 'sent 9999']);
  const whole = await mia.get(`/inbox/acc-1/messages/${at(position)}`);
  expect(whole.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(whole.text).toHaveLength(30_003);
  const second = (await mia.get(link(first, 'Older messages').split('#')[0] ?? '')).text;
  expect(bodiesOn(second)[0]).toBe('sent 9950');
  expect(link(second, 'Newest messages')).toBe('/inbox/acc-1?thread=t-1#messages');
  // The search covers 10,000 of the 10,001 messages, says so, and links to a search of the older
  // ones (32).
  const searched = (await mia.get('/inbox/acc-1?q=sent+0000')).text;
  expect(textOf(searched)).toContain('None of the 10,000 messages that were searched contains it.');
  const rest = (await mia.get(link(searched, 'Search older messages').split('#')[0] ?? '')).text;
  expect(bodiesOn(rest)).toEqual(['sent 0000']);
});

test('the inbox lists 50 threads on a page, and going to the next page of threads keeps the same thread open', async () => {
  const threads = Array.from({ length: 51 }, (_none, index) => ({
    id: `t-${index}`,
    last_at: `2026-11-20 10:${String(index).padStart(2, '0')}:00`,
  }));
  await addThreads(here.sql, move.account_id, threads);
  await addMessages(here.sql, move.account_id, 't-50', [{ body: 'newest' }]);
  const first = (await mia.get('/inbox/acc-1')).text;
  const older = (await mia.get(link(first, 'Older threads'))).text;
  expect([...older.matchAll(/<a\s+href="[^"]*thread=(t-\d+)/g)].map(([, id]) => id)).toEqual([
    't-0',
  ]);
  expect(bodiesOn(older)).toEqual(['newest']);
});
