import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import {
  messageItems,
  threadItems,
  wanted,
  type Wanted,
} from '../../demo/conversations/records.ts';
import { createTables, storeClient, tables, writeItems } from '../../demo/conversations/store.ts';
import { patience } from '../../src/account-moves/patience.ts';
import type { RawRecord, Reader } from '../../src/account-moves/reader.ts';
import { storeReader } from '../../src/account-moves/store-reader.ts';
import { Stopping } from '../../src/jobs/interrupted.ts';
import { useConversations } from '../support/conversations.ts';
import { readAll } from '../support/read-all.ts';
import { startMoto, type Moto } from '../support/moto.ts';

const older = useConversations();
const never = new AbortController().signal;
const account = wanted({ id: 'a-1', messages: 300, perThread: 1, isOdd: true });
const positions = [...messageItems(account)].map(({ position }) => position);

let moto: Moto;
const readers: Reader[] = [];

beforeAll(async () => {
  Object.assign(patience, { recordDelay: 1 });
  moto = await startMoto();
  await fill(moto.url, account);
  await older.add(account);
  await older.add({ id: 'a-2', messages: 3 });
}, 120_000);
afterAll(() => moto?.close());
afterEach(() => {
  Object.assign(patience, { store: 5000, storeAttempts: 5 });
  for (const reader of readers.splice(0)) reader.close();
});

async function fill(endpoint: string, of: Wanted) {
  const client = storeClient(endpoint);
  await createTables(client);
  await writeItems(client, tables.messages, messageItems(of));
  await writeItems(client, tables.threads, threadItems(of));
  client.destroy();
}

const open = (endpoint = older.storeUrl, id = 'a-1', halt = never) => {
  const { store } = older.moves;
  const reader = storeReader({ ...older.moves, store: { ...store, endpoint } }, id, halt);
  readers.push(reader);
  return reader;
};

describe.each(['dynalite', 'moto'])('the DynamoDB reader with the emulator %s', (name) => {
  const reader = () => open(name === 'moto' ? moto.url : older.storeUrl);
  const cursorsOf = (records: RawRecord[]) => records.map(({ cursor }) => cursor);

  test('the DynamoDB reader reads every message once, newest first, in several queries (S4-23, S4-25, S4-32, S4-85)', async () => {
    expect(cursorsOf(await readAll(reader(), { limit: 37 }))).toEqual(positions);
  });

  test('the DynamoDB reader returns messages as they are stored, without additional fields (S4-62)', async () => {
    const { items } = await reader().messages({ limit: 12 });
    const stored = [...messageItems(account)].slice(0, 12);
    const withoutId = ({ id: _id, ...rest }: Record<string, unknown>) => rest;
    expect(items.map(({ item }) => withoutId(item as Record<string, unknown>))).toEqual(
      stored.map((item) => withoutId(JSON.parse(JSON.stringify({ ...item, id: '' })))),
    );
  });

  test('the DynamoDB reader keeps every digit of an id above 2^53', async () => {
    const { items } = await reader().messages({ limit: 4 });
    expect(items[3]?.item).toMatchObject({ id: '9007199254740993' });
  });

  test('the DynamoDB reader continues after a position, even if the message at this position was deleted (S4-40)', async () => {
    const [, , third = '', fourth = ''] = positions;
    const { items } = await reader().messages({ after: `${fourth}x`, limit: 1 });
    expect(cursorsOf(items)).toEqual([fourth]);
    const { items: next } = await reader().messages({ after: third, limit: 1 });
    expect(cursorsOf(next)).toEqual([fourth]);
  });

  test('the DynamoDB reader stops just before the message at the position “until”', async () => {
    const until = positions[5] ?? '';
    expect(cursorsOf(await readAll(reader(), { until, limit: 2 }))).toEqual(positions.slice(0, 5));
    const ended = await reader().messages({ after: until, until, limit: 2 });
    expect(ended).toEqual({ items: [], next: null });
  });

  test('the DynamoDB reader lists the positions of messages without their contents', async () => {
    const { items, next } = await reader().cursors({ limit: 5 });
    expect(items).toEqual(positions.slice(0, 5));
    expect(next).toBe(positions[4]);
  });

  test('the DynamoDB reader reads one message by its position, and returns null if there is none', async () => {
    const [first = ''] = positions;
    expect(await reader().message(first)).toMatchObject({
      cursor: first,
      item: { position: first },
    });
    expect(await reader().message(`${first}x`)).toBeNull();
  });

  test('the DynamoDB reader reads more threads than one request may name, and leaves out ids that do not exist', async () => {
    const ids = Array.from({ length: 250 }, (_one, index) => `t-${index}`);
    const found = await reader().threads([...ids, 'none', 't-0']);
    expect(cursorsOf(found).toSorted()).toEqual(ids.toSorted());
  });

  test('the DynamoDB reader lists the ids of all threads', async () => {
    const { items, next } = await reader().threadIds(null);
    expect(items).toHaveLength(300);
    expect(next).toBeNull();
    expect((await reader().threadIds('t-98')).items).toEqual(['t-99']);
  });
});

test('the DynamoDB reader reads only the messages of its own account', async () => {
  const { items } = await open(older.storeUrl, 'a-2').messages({ limit: 1000 });
  expect(items.map(({ item }) => (item as { account_id: string }).account_id)).toEqual([
    'a-2',
    'a-2',
    'a-2',
  ]);
});

test('the DynamoDB reader returns empty results for an account without messages', async () => {
  const reader = open(older.storeUrl, 'nobody');
  expect(await reader.messages({ limit: 10 })).toEqual({ items: [], next: null });
  expect(await reader.threadIds(null)).toEqual({ items: [], next: null });
  expect(await reader.threads([])).toEqual([]);
});

test('the DynamoDB reader leaves out a message that is deleted after the query for the previous messages', async () => {
  const gone = await older.add({ id: 'a-3', messages: 4 });
  const [, , third = ''] = [...messageItems(gone)].map(({ position }) => position);
  const reader = open(older.storeUrl, 'a-3');
  const { next } = await reader.messages({ limit: 2 });
  const Key = { account_id: 'a-3', position: third };
  await older.store.send(new DeleteCommand({ TableName: tables.messages, Key }));
  expect((await reader.messages({ after: next, limit: 2 })).items).toHaveLength(1);
});

describe('failures of DynamoDB, the store of the older system Conversations', () => {
  test('the DynamoDB reader repeats a failed request (S4-43)', async () => {
    const fault = older.fail({ match: /^Query messages a-1$/, name: '500', count: 2 });
    expect((await open().messages({ limit: 5 })).items).toHaveLength(5);
    expect(fault.hits).toBe(2);
  });

  test('the DynamoDB reader requests threads again that the answer to a BatchGetItem request left out', async () => {
    const fault = older.fail({
      match: /BatchGetItem threads a-1 t-[0-4]$/,
      name: 'unprocessed',
      count: 3,
    });
    const ids = Array.from({ length: 20 }, (_one, index) => `t-${index}`);
    expect(await open().threads(ids)).toHaveLength(20);
    expect(fault.hits).toBe(3);
  });

  test('the DynamoDB reader fails with the code “throttled” if every answer to a BatchGetItem request leaves threads out', async () => {
    older.fail({ match: /BatchGetItem threads a-1 t-4$/, name: 'unprocessed' });
    await expect(open().threads(['t-3', 't-4'])).rejects.toMatchObject({ code: 'throttled' });
  });

  test.each([
    ['throttle', 'throttled'],
    ['500', 'error'],
    ['401', 'denied'],
    ['404', 'no-table'],
    ['hang', 'timeout'],
    ['silent', 'timeout'],
    ['cut', 'cut'],
    ['garbage', 'unreadable'],
  ] as const)(
    'the DynamoDB reader reports the fault “%s” with the code “%s”',
    async (name, code) => {
      Object.assign(patience, { store: 150, storeAttempts: 1 });
      older.fail({ match: /./, name });
      const reader = open();
      await expect(reader.messages({ limit: 5 })).rejects.toMatchObject({ code });
      await expect(reader.message(positions[0] ?? '')).rejects.toMatchObject({ code });
      older.heal();
      expect((await reader.messages({ limit: 5 })).items).toHaveLength(5);
    },
  );

  test('the DynamoDB reader reports a server that cannot be reached with the code “unreachable”', async () => {
    Object.assign(patience, { storeAttempts: 1 });
    const reader = open('http://127.0.0.1:2');
    await expect(reader.messages({ limit: 5 })).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('when its process stops, the DynamoDB reader throws Stopping and no failure, so that another process continues the job', async () => {
    const halt = new AbortController();
    older.fail({ match: /./, name: 'hang' });
    const reading = open(older.storeUrl, 'a-1', halt.signal).messages({ limit: 5 });
    halt.abort();
    await expect(reading).rejects.toThrow(Stopping);
  });
});
