// The data of an inbox: pages of threads and messages, newest first; search, channels and attachments.
import { beforeEach, describe, expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import { addAccount } from '../../src/inbox/accounts.ts';
import { messageView } from '../../src/inbox/api-view.ts';
import { attachmentAt } from '../../src/inbox/attachments.ts';
import { addWebChat, listChannels } from '../../src/inbox/channels.ts';
import { pageOfMessages } from '../../src/inbox/messages.ts';
import { PAGE, placeBefore, type InboxPage } from '../../src/inbox/places.ts';
import { searchMessages } from '../../src/inbox/search.ts';
import { pageOfThreads, threadById } from '../../src/inbox/threads.ts';
import { addMessages, addThreads } from '../support/inbox-rows.ts';
import { rowsRead } from '../support/many-moves.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let account: number;
beforeEach(async () => {
  account = (await addAccount(world.staging.sql, { externalId: 'acme', name: 'Acme' })).id;
});

async function all<T>(read: (before: string | null) => Promise<InboxPage<T>>): Promise<T[][]> {
  const pages: T[][] = [];
  for (let before: string | null = null; ;) {
    const { items, next } = await read(before);
    pages.push(items);
    if (next === null) return pages;
    before = placeBefore(next);
  }
}

describe('which threads of an account’s inbox are read, and in which order', () => {
  test('threads of an inbox are read page by page, newest first, and each thread once, even if several have the same timestamp', async () => {
    const { sql: on } = world.staging;
    // Three threads share each millisecond, so that a page ends between threads of the same
    // millisecond.
    const ids = Array.from({ length: 2 * PAGE + 1 }, (_, n) => `t${String(n).padStart(3, '0')}`);
    await addThreads(
      on,
      account,
      ids.map((id, n) => ({
        id,
        last_at: `2026-11-20 10:11:12.${String(100 + Math.floor(n / 3))}`,
      })),
    );
    const pages = await all((before) => pageOfThreads(on, account, { before }));
    expect(pages.map(({ length }) => length)).toEqual([PAGE, PAGE, 1]);
    expect(pages.flat().map(({ id }) => id)).toEqual(ids.toReversed());
  });

  test('the list of an account’s threads contains no thread of another account', async () => {
    const { sql: on } = world.staging;
    const other = await addAccount(on, { externalId: 'Acme', name: '' });
    await addThreads(on, account, [{ id: 'a' }]);
    await addThreads(on, other.id, [{ id: 'A' }]);
    expect((await pageOfThreads(on, account)).items.map(({ id }) => id)).toEqual(['a']);
    expect(await threadById(on, account, 'A')).toBeUndefined();
    expect(await threadById(on, account, "a' or 1=1")).toBeUndefined();
  });

  test('a search in an inbox finds threads by title, customer and message, and takes % and _ literally', async () => {
    const { sql: on } = world.staging;
    await addThreads(on, account, [
      { id: 'title', title: 'Refund of 100%' },
      { id: 'customer', customer: 'Refund Rita' },
      { id: 'message' },
      { id: 'none', title: 'Shipping' },
    ]);
    await addMessages(on, account, 'message', [{ body: 'Where is my refund?' }]);
    const found = async (search: string) => {
      const messages = await searchMessages(on, account, { search });
      const threads = messages.items.map(({ thread_id: id }) => id);
      const { items } = await pageOfThreads(on, account, { search, found: threads });
      return items.map(({ id }) => id).toSorted();
    };
    expect(await found('refund')).toEqual(['customer', 'message', 'title']);
    expect(await found('100%')).toEqual(['title']);
    expect(await found('_')).toEqual([]);
    expect(await found('\\')).toEqual([]);
    expect(await found(' ')).toHaveLength(4);
  });
});

describe('which messages of a thread in an inbox are read, and in which order', () => {
  test('messages of a thread are read page by page, newest first, each with its attachments', async () => {
    const { sql: on } = world.staging;
    await addThreads(on, account, [{ id: 't' }, { id: 'u' }]);
    const positions = await addMessages(
      on,
      account,
      't',
      Array.from({ length: PAGE + 2 }, (_, n) => ({ body: `${n}` })),
    );
    await addMessages(on, account, 'u', [{ body: 'of another thread' }]);
    const [oldest = ''] = positions;
    for (const id of ['b', 'a']) {
      await run(
        on,
        sql`insert into inbox_attachment (account_id, position, id, name, url) values (${account}, ${oldest}, ${id}, ${`${id}.pdf`}, '')`,
      );
    }
    const pages = await all((before) => pageOfMessages(on, account, { thread: 't', before }));
    expect(pages.map(({ length }) => length)).toEqual([PAGE, 2]);
    expect(pages.flat().map(({ position }) => position)).toEqual(positions.toReversed());
    const last = pages.flat().at(-1);
    expect(last?.attachments.map(({ name }) => name)).toEqual(['a.pdf', 'b.pdf']);
    expect(`${last?.sent_at}#${last?.id}`).toBe(oldest);
    expect((await attachmentAt(on, account, { position: oldest, id: 'a' }))?.name).toBe('a.pdf');
    expect(await attachmentAt(on, account + 1, { position: oldest, id: 'a' })).toBeUndefined();
  });

  test.each(['x', '2026', '2026-13-20T10:11:12.123Z#1', '2026-11-20T10:11:12.123Z#', "' or 1"])(
    'reading a list of an inbox from the invalid position “%s” (not the time and id of an item) is refused',
    (text) => {
      expect(() => placeBefore(text)).toThrow('before');
    },
  );
});

test('a search in an inbox stops after 10,000 messages, and its next page searches the older messages (32)', async () => {
  const { sql: on } = world.staging;
  await addThreads(on, account, [{ id: 't' }]);
  const digits = sql`(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4
                      union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)`;
  await run(
    on,
    sql`insert into inbox_message (account_id, position, thread_id, direction, body, run)
        select ${account}, concat('2026-', 10 + m.d, '-', 10 + a.d, 'T1', b.d, ':', 10 + c.d, ':', 10 + d.d, '.000Z#x'),
               't', 'in', if(a.d = 0 and b.d = 0, 'a needle', 'hay'), 1
          from (select 0 as d union all select 1) m, ${digits} a, ${digits} b, ${digits} c, ${digits} d`,
  );
  const search = (text: string, before: string | null = null) =>
    searchMessages(on, account, { search: text, before });
  const first = await search('needles');
  expect(first).toEqual({ items: [], next: '2026-11-10T10:10:10.000Z#x', isCut: true });
  expect(await search('needles', first.next)).toEqual({ items: [], next: null, isCut: false });
  expect((await search('needle')).items).toHaveLength(PAGE);
  // Each half of the 20,000 messages contains “needle” 100 times. The second page is full before its search reaches the
  // limit of 10,000 messages. The third page continues the search and finds older messages.
  const second = await search('needle', (await search('needle')).next);
  expect([second.items.length, second.isCut]).toEqual([PAGE, false]);
  const third = await search('needle', second.next);
  expect(third.items.length).toBeGreaterThan(0);
  const read = await rowsRead(on, (one) => searchMessages(one, account, { search: 'needles' }));
  expect(read).toBeLessThan(20_100);
});

test('a stored attachment keeps its download link while a repeated migration of the account fetches the content again (33)', async () => {
  const { sql: on } = world.staging;
  await addThreads(on, account, [{ id: 't' }]);
  const [position = ''] = await addMessages(on, account, 't', [{ body: 'see' }]);
  for (const [id, object] of [
    ['again', 'inbox/1/x'],
    ['late', null],
  ]) {
    await run(
      on,
      sql`insert into inbox_attachment (account_id, position, id, name, url, state, object)
          values (${account}, ${position}, ${id}, 'a.pdf', '', 'waiting', ${object})`,
    );
  }
  const [message] = (await pageOfMessages(on, account, { thread: 't' })).items;
  const hrefs =
    message && messageView('acme', message).attachments.map(({ id, href }) => [id, href]);
  expect(hrefs).toEqual([
    ['again', `/api/v1/accounts/acme/messages/${encodeURIComponent(position)}/attachments/again`],
    ['late', null],
  ]);
});

test('S4-03 an account’s inbox gets only one WebChat channel, however often an app requests the channel', async () => {
  const { sql: on } = world.staging;
  const added = await Promise.all([1, 2, 3].map(() => addWebChat(on, account)));
  expect(added.filter(Boolean)).toHaveLength(1);
  expect(await addWebChat(on, account)).toBe(false);
  expect(await listChannels(on, account)).toMatchObject([
    { kind: 'webchat', name: 'WebChat', run: null, brand: null },
  ]);
});
