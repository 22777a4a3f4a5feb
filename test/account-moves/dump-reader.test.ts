import { beforeEach, describe, expect, test } from 'vitest';
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
/** The keys of the objects that were read, in order. */
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

describe('reading messages from a dump (an account’s export in several files)', () => {
  test.each([7, 20, 1000])(
    'the dump reader reads every message once, newest first, in pages of %d messages (S4-34)',
    async (limit) => {
      await write();
      expect(positionsOf(await readAll(open(), { limit }))).toEqual(positions);
    },
  );

  test('the dump reader reads a dump from an S3 bucket (S4-34)', async () => {
    storage = openObjects(await newBucket());
    await write();
    expect(positionsOf(await readAll(open('/dumps/a-1/'), { limit: 50 }))).toEqual(positions);
    storage.close();
  });

  test('the dump reader keeps line separators, emoji and large numbers in records', async () => {
    await write();
    const { items } = await open().messages({ limit: 13 });
    expect(items[8]?.item).toEqual(JSON.parse(JSON.stringify(messages[8])));
    expect(items[3]?.item).toMatchObject({ id: '9007199254740993' });
  });

  test('the dump reader continues after a cursor, in the middle of a file and between two files (S4-40)', async () => {
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

  test('the dump reader continues after a cursor without reading earlier files, and does not open a file again for each page', async () => {
    await write();
    await readAll(open(), { after: '3:5', limit: 4 });
    // Each file is read twice: once for its checksum, and once for its records.
    const expected = [3, 3, 4, 4, 5, 5].map((part) => `a-1/messages/000${part}.ndjson.gz`);
    expect(read).toEqual(['a-1/manifest.json', ...expected]);
  });

  test('the dump reader stops just before the message at the cursor “until”', async () => {
    await write();
    const range = { until: '2:3', limit: 9 };
    expect(positionsOf(await readAll(open(), range))).toEqual(positions.slice(0, 22));
    const { items, next } = await open().messages({ until: '1:1', limit: 9 });
    expect([items, next]).toEqual([[], null]);
  });

  test('the dump reader ends a page of long messages before the requested number of messages', async () => {
    const long = wanted({ id: 'a-1', messages: 30, bodyLength: 300_000 });
    await write(dumpOf(long));
    const { items } = await open().messages({ limit: 1000 });
    expect(items.length).toBeLessThan(20);
    expect(await readAll(open(), { limit: 1000 })).toHaveLength(30);
  });

  test('the dump reader returns a line that is not JSON as a string, and reads the lines after it', async () => {
    await write({ messages: [messages[0] ?? {}, '{"position": "2026', messages[1] ?? {}] });
    const { items, lost } = await readPage(open(), { limit: 10 });
    expect(items.map(({ cursor }) => cursor)).toEqual(['1:1', '1:2', '1:3']);
    expect(items[1]?.item).toBe('{"position": "2026');
    expect(lost).toEqual([]);
  });

  test('the dump reader reads a dump without messages and threads', async () => {
    await write({ messages: [], threads: [] });
    expect(await open().messages({ limit: 10 })).toEqual({ items: [], next: null });
    expect(await open().threadIds(null)).toEqual({ items: [], next: null });
  });

  test('the dump reader lists the cursors of messages, and reads one message by its cursor', async () => {
    await write();
    const reader = open();
    const { items, next } = await reader.cursors({ after: '1:19', limit: 3 });
    expect([items, next]).toEqual([['1:20', '2:1', '2:2'], '2:2']);
    expect(positionsOf([(await reader.message('2:1')) as RawRecord])).toEqual([positions[20]]);
    expect(await reader.message('5:16')).toBeNull();
    expect(await reader.message('9:1')).toBeNull();
  });
});

describe('reading threads from a dump (an account’s export in several files)', () => {
  test('the dump reader finds threads by their ids, and leaves out ids that do not exist', async () => {
    await write();
    const found = await open().threads(['t-7', 'none', 't-90', 't-7']);
    expect(found.map(({ cursor }) => cursor)).toEqual(['t-7', 't-90']);
    expect(found[0]?.item).toMatchObject({ id: 't-7', title: expect.any(String) });
  });

  test('the dump reader lists the ids of all threads, page by page', async () => {
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

  test('the dump reader lists a line that is not a thread under its line number, so that the line becomes a dead letter', async () => {
    await write({ threads: ['nonsense', ...threadItems(account)] });
    expect((await open().threadIds('a')).items).toContain('line:1');
    expect(await open().threads(['line:1'])).toEqual([{ cursor: 'line:1', item: 'nonsense' }]);
  });
});

describe('reading attachments from a dump (an account’s export in several files)', () => {
  test('the dump reader reads an attachment from the dump, and not from its URL (S4-34)', async () => {
    const content = contentOf('a-1', 'f-10')?.body ?? Buffer.alloc(0);
    await write({ attachments: [{ id: 'f-10', content }] });
    const stream = await open().attachment(
      { id: 'f-10', url: 'https://nowhere.example', type: '' },
      never,
    );
    expect((await buffer(stream)).equals(content)).toBe(true);
  });

  test.each(['missing', '..', '.hidden'])(
    'the dump reader throws AttachmentMissing for the attachment “%s”, which the dump does not contain',
    async (id) => {
      await write();
      const opened = open().attachment({ id, url: '', type: '' }, never);
      await expect(opened).rejects.toMatchObject({ fault: 'not-found' });
    },
  );

  test('the dump reader refuses an attachment that exceeds the size limit', async () => {
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

describe('reading an unusable dump fails as a whole, and no record of it becomes a dead letter', () => {
  const fails = (code: string, reader = open()) =>
    expect(readPage(reader, { limit: 100 })).rejects.toMatchObject({ code });

  test('reading a dump without a manifest fails with the code “no-dump”, because the dump is incomplete', async () => {
    await write();
    await storage.delete('dumps/a-1/manifest.json');
    await fails('no-dump');
  });

  test('reading a dump from a wrong or invalid location fails with the code “no-dump”', async () => {
    await write();
    await fails('no-dump', open('dumps/a-2'));
    await fails('no-dump', open('dumps/../secrets'));
    await fails('no-dump', open(''));
  });

  test('reading the dump of another account fails with the code “no-dump”', async () => {
    await write();
    await fails('no-dump', open('dumps/a-1', 'a-2'));
  });

  test.each(['', 'no json', '[]', '{"format": 2}'])(
    'reading a dump with the invalid manifest “%s” fails with the code “damaged”',
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

  test('reading a dump fails with the code “damaged” if its manifest lacks a file or has a wrong count', async () => {
    await changed(({ files }) => files.splice(1, 1));
    await fails('damaged');
    await changed(({ files }) => files.pop());
    await fails('damaged');
    await changed((manifest) => (manifest.messages += 1));
    await fails('damaged');
  });

  test('reading a dump fails with the code “damaged” if a message file is missing or its checksum differs from the manifest', async () => {
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

  test('reading a dump fails with the code “damaged” if a message file has more or fewer records than the manifest says', async () => {
    for (const more of [1, -1]) {
      await changed((manifest) => {
        const [first] = manifest.files;
        if (first) first.records += more;
        manifest.messages += more;
      });
      await fails('damaged');
    }
  });

  test('reading a dump fails with the code “damaged” if a file is not gzip, even if its checksum is right', async () => {
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

  test('the dump reader does not cache a failure, and reads a dump that is completed later', async () => {
    const reader = open();
    await fails('no-dump', reader);
    await write();
    expect((await reader.messages({ limit: 5 })).items).toHaveLength(5);
  });
});

type Manifest = { messages: number; files: { records: number }[] };
