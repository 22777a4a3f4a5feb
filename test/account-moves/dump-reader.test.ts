import { beforeEach, describe, expect, test } from '@jest/globals';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { dumpOf, writeDump, type Dumped } from '../../demo/conversations/dump.ts';
import { contentOf } from '../../demo/conversations/media.ts';
import { messageItems, threadItems, wanted } from '../../demo/conversations/records.ts';
import { dumpReader } from '../../src/account-moves/dump-reader.ts';
import { readPage } from '../../src/account-moves/narrowing.ts';
import type { RawRecord } from '../../src/account-moves/reader.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { openObjects } from '../../src/storage/open.ts';
import { readAll } from '../support/read-all.ts';
import { newBucket, newFolder } from '../support/storage.ts';

const account = wanted({ id: 'a-1', messages: 95, perThread: 1, isOdd: true });
const messages = [...messageItems(account)];
const never = new AbortController().signal;
let storage: Objects;
/** The objects that were read, in their order. */
let read: string[];

beforeEach(async () => {
  const objects = openObjects(await newFolder());
  read = [];
  storage = {
    ...objects,
    read: (key) => {
      read.push(key.split('/').slice(1).join('/'));
      return objects.read(key);
    },
  };
});

const open = (location = 'dumps/a-1', id = 'a-1', attachmentBytes = 1_000_000) =>
  dumpReader({ attachmentBytes }, { storage, location, account: id });
const write = (also: Partial<Dumped> = {}, perPart = 20) =>
  writeDump(storage, 'dumps/a-1/', { ...dumpOf(account), attachments: [], ...also }, { perPart });
const replace = (name: string, content: string | Buffer) =>
  storage.put(`dumps/a-1/${name}`, Buffer.from(content));

const positionsOf = (records: RawRecord[]) =>
  records.map(({ item }) => (item as { position: string }).position);
const positions = messages.map(({ position }) => position);

describe('messages', () => {
  test.each([7, 20, 1000])(
    'reads every message once, newest first (S4-34): %d a page',
    async (limit) => {
      await write();
      expect(positionsOf(await readAll(open(), { limit }))).toEqual(positions);
    },
  );

  test('reads from an S3 bucket (S4-34)', async () => {
    storage = openObjects(await newBucket());
    await write();
    expect(positionsOf(await readAll(open('/dumps/a-1/'), { limit: 50 }))).toEqual(positions);
    storage.close();
  });

  test('reads records as they are: line separators, emoji, large numbers', async () => {
    await write();
    const { items } = await open().messages({ limit: 13 });
    expect(items[8]?.item).toEqual(JSON.parse(JSON.stringify(messages[8])));
    expect(items[3]?.item).toMatchObject({ id: '9007199254740993' });
  });

  test('continues after a cursor, in the middle of a part and between two parts (S4-40)', async () => {
    await write();
    for (const [after, expected] of [
      ['1:3', 3],
      ['1:20', 20],
      ['2:1', 21],
    ] as const) {
      const { items } = await open().messages({ after, limit: 1 });
      expect(positionsOf(items)).toEqual([positions[expected]]);
    }
  });

  test('continues without reading earlier parts, and opens a part once for all its pages', async () => {
    await write();
    await readAll(open(), { after: '3:5', limit: 4 });
    // Each part is read twice: for its checksum, and for its records.
    const expected = [3, 3, 4, 4, 5, 5].map((part) => `a-1/messages/000${part}.ndjson.gz`);
    expect(read).toEqual(['a-1/manifest.json', ...expected]);
  });

  test('reads down to a cursor, which is not included', async () => {
    await write();
    const range = { until: '2:3', limit: 9 };
    expect(positionsOf(await readAll(open(), range))).toEqual(positions.slice(0, 22));
    const { items, next } = await open().messages({ until: '1:1', limit: 9 });
    expect([items, next]).toEqual([[], null]);
  });

  test('ends a page of long messages early', async () => {
    const long = wanted({ id: 'a-1', messages: 30, bodyLength: 300_000 });
    await write(dumpOf(long));
    const { items } = await open().messages({ limit: 1000 });
    expect(items.length).toBeLessThan(20);
    expect(await readAll(open(), { limit: 1000 })).toHaveLength(30);
  });

  test('gives on a line that is no JSON as a text, and reads on', async () => {
    await write({ messages: [messages[0] ?? {}, '{"position": "2026', messages[1] ?? {}] });
    const { items, lost } = await readPage(open(), { limit: 10 });
    expect(items.map(({ cursor }) => cursor)).toEqual(['1:1', '1:2', '1:3']);
    expect(items[1]?.item).toBe('{"position": "2026');
    expect(lost).toEqual([]);
  });

  test('reads a dump without messages', async () => {
    await write({ messages: [], threads: [] });
    expect(await open().messages({ limit: 10 })).toEqual({ items: [], next: null });
    expect(await open().threadIds(null)).toEqual({ items: [], next: null });
  });

  test('reads cursors, and one message by its cursor', async () => {
    await write();
    const reader = open();
    const { items, next } = await reader.cursors({ after: '1:19', limit: 3 });
    expect([items, next]).toEqual([['1:20', '2:1', '2:2'], '2:2']);
    expect(positionsOf([(await reader.message('2:1')) as RawRecord])).toEqual([positions[20]]);
    expect(await reader.message('5:16')).toBeNull();
    expect(await reader.message('9:1')).toBeNull();
  });
});

describe('threads', () => {
  test('are found by their ids; those that do not exist are left out', async () => {
    await write();
    const found = await open().threads(['t-7', 'none', 't-90', 't-7']);
    expect(found.map(({ cursor }) => cursor)).toEqual(['t-7', 't-90']);
    expect(found[0]?.item).toMatchObject({ id: 't-7', title: expect.any(String) });
  });

  test('are listed by id, some at a time', async () => {
    const many = wanted({ id: 'a-1', messages: 2500, perThread: 1 });
    await write({ messages: [], threads: threadItems(many) });
    const reader = open();
    const ids: string[] = [];
    let after: string | null = null;
    do {
      const { items, next }: { items: string[]; next: string | null } =
        await reader.threadIds(after);
      ids.push(...items);
      after = next;
    } while (after !== null);
    expect(new Set(ids).size).toBe(2500);
    expect(ids).toHaveLength(2500);
  });

  test('a line that is no thread is listed, so that it is reported', async () => {
    await write({ threads: ['nonsense', ...threadItems(account)] });
    expect((await open().threadIds('a')).items).toContain('line:1');
    expect(await open().threads(['line:1'])).toEqual([{ cursor: 'line:1', item: 'nonsense' }]);
  });
});

describe('attachments', () => {
  test('are in the dump (S4-34)', async () => {
    const content = contentOf('a-1', 'f-10')?.body ?? Buffer.alloc(0);
    await write({ attachments: [{ id: 'f-10', content }] });
    const stream = await open().attachment(
      { id: 'f-10', url: 'https://nowhere.example', type: '' },
      never,
    );
    expect((await buffer(stream)).equals(content)).toBe(true);
  });

  test.each(['missing', '..', '.hidden'])('one that is not there is missing: %s', async (id) => {
    await write();
    const opened = open().attachment({ id, url: '', type: '' }, never);
    await expect(opened).rejects.toMatchObject({ fault: 'not-found' });
  });

  test('one that is too large is not read', async () => {
    await write({ attachments: [{ id: 'f-1', content: Buffer.alloc(2000) }] });
    const opened = open('dumps/a-1', 'a-1', 1999).attachment(
      { id: 'f-1', url: '', type: '' },
      never,
    );
    await expect(opened).rejects.toMatchObject({ fault: 'too-large' });
    await expect(
      open('dumps/a-1', 'a-1', 2000).attachment({ id: 'f-1', url: '', type: '' }, never),
    ).resolves.toBeDefined();
  });
});

describe('a dump that cannot be used is a failure of the source, and never of its records', () => {
  const fails = (code: string, reader = open()) =>
    expect(readPage(reader, { limit: 100 })).rejects.toMatchObject({ code });

  test('not complete: the manifest is written last', async () => {
    await write();
    await storage.delete('dumps/a-1/manifest.json');
    await fails('no-dump');
  });

  test('another location, or one that cannot be', async () => {
    await write();
    await fails('no-dump', open('dumps/a-2'));
    await fails('no-dump', open('dumps/../secrets'));
    await fails('no-dump', open(''));
  });

  test('of another account', async () => {
    await write();
    await fails('no-dump', open('dumps/a-1', 'a-2'));
  });

  test.each(['', 'no json', '[]', '{"format": 2}'])(
    'a manifest that is none: “%s”',
    async (content) => {
      await write();
      await replace('manifest.json', content);
      await fails('damaged');
    },
  );

  const changed = async (change: (manifest: Manifest) => void) => {
    await write();
    const manifest = JSON.parse(
      await text(await storage.read('dumps/a-1/manifest.json')),
    ) as Manifest;
    change(manifest);
    await replace('manifest.json', JSON.stringify(manifest));
  };

  test('a manifest that lacks a part, or the threads, or counts in another way', async () => {
    await changed(({ files }) => files.splice(1, 1));
    await fails('damaged');
    await changed(({ files }) => files.pop());
    await fails('damaged');
    await changed((manifest) => (manifest.messages += 1));
    await fails('damaged');
  });

  test('a part that is missing, or another one than the manifest describes', async () => {
    await write();
    await replace('messages/0002.ndjson.gz', gzipSync('{}\n'));
    const reader = open();
    expect((await reader.messages({ limit: 20 })).items).toHaveLength(20);
    await expect(reader.messages({ after: '1:20', limit: 1 })).rejects.toMatchObject({
      code: 'damaged',
    });
    await storage.delete('dumps/a-1/messages/0002.ndjson.gz');
    await fails('damaged');
  });

  test('a part with more or fewer records than the manifest says', async () => {
    for (const more of [1, -1]) {
      await changed((manifest) => {
        const [first] = manifest.files;
        if (first) first.records += more;
        manifest.messages += more;
      });
      await fails('damaged');
    }
  });

  test('a part that is not packed, whatever its checksum', async () => {
    const { checksum } = await replace('messages/0001.ndjson.gz', 'plain');
    const files = [
      { name: 'messages/0001.ndjson.gz', records: 1, sha256: checksum },
      { name: 'threads.ndjson.gz', records: 0, sha256: checksum },
    ];
    const manifest = { format: 1, account_id: 'a-1', messages: 1, threads: 0, files };
    await replace('manifest.json', JSON.stringify(manifest));
    await fails('damaged');
    await expect(open().threads(['t-1'])).rejects.toMatchObject({ code: 'damaged' });
  });

  test('a failure is not remembered: the dump may be complete a moment later', async () => {
    const reader = open();
    await fails('no-dump', reader);
    await write();
    expect((await reader.messages({ limit: 5 })).items).toHaveLength(5);
  });
});

type Manifest = { messages: number; files: { records: number }[] };
