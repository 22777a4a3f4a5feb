// The lists of an inbox: threads and messages by page, newest first, channels, attachments.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { run, sql } from '../../src/database/sql.ts';
import { addAccount } from '../../src/inbox/accounts.ts';
import { attachmentAt } from '../../src/inbox/attachments.ts';
import { addWebChat, listChannels } from '../../src/inbox/channels.ts';
import { pageOfMessages } from '../../src/inbox/messages.ts';
import { PAGE, placeBefore, type InboxPage } from '../../src/inbox/places.ts';
import { pageOfThreads, threadById } from '../../src/inbox/threads.ts';
import { addMessages, addThreads } from '../support/inbox-rows.ts';
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

describe('threads', () => {
  test('a list of threads is read by pages, newest first, and threads of the same millisecond come once', async () => {
    const { sql: on } = world.staging;
    // Three threads a millisecond, so that pages end in the middle of one.
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

  test('a list of threads contains no thread of another account', async () => {
    const { sql: on } = world.staging;
    const other = await addAccount(on, { externalId: 'Acme', name: '' });
    await addThreads(on, account, [{ id: 'a' }]);
    await addThreads(on, other.id, [{ id: 'A' }]);
    expect((await pageOfThreads(on, account)).items.map(({ id }) => id)).toEqual(['a']);
    expect(await threadById(on, account, 'A')).toBeUndefined();
    expect(await threadById(on, account, "a' or 1=1")).toBeUndefined();
  });

  test('a search finds threads by title, customer and message, and treats % and _ as characters', async () => {
    const { sql: on } = world.staging;
    await addThreads(on, account, [
      { id: 'title', title: 'Refund of 100%' },
      { id: 'customer', customer: 'Refund Rita' },
      { id: 'message' },
      { id: 'none', title: 'Shipping' },
    ]);
    await addMessages(on, account, 'message', [{ body: 'Where is my refund?' }]);
    const found = async (search: string) =>
      (await pageOfThreads(on, account, { search })).items.map(({ id }) => id).toSorted();
    expect(await found('refund')).toEqual(['customer', 'message', 'title']);
    expect(await found('100%')).toEqual(['title']);
    expect(await found('_')).toEqual([]);
    expect(await found('\\')).toEqual([]);
    expect(await found(' ')).toHaveLength(4);
  });
});

describe('messages', () => {
  test('messages of a thread are read by pages, newest first, each with its attachments', async () => {
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
    'refuses %s as the place where a page begins',
    (text) => {
      expect(() => placeBefore(text)).toThrow('before');
    },
  );
});

test('S4-03 an account gets one WebChat channel, however often it is asked for', async () => {
  const { sql: on } = world.staging;
  const added = await Promise.all([1, 2, 3].map(() => addWebChat(on, account)));
  expect(added.filter(Boolean)).toHaveLength(1);
  expect(await addWebChat(on, account)).toBe(false);
  expect(await listChannels(on, account)).toMatchObject([
    { kind: 'webchat', name: 'WebChat', run: null, brand: null },
  ]);
});
