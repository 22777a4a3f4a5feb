import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { messageItems, wanted } from '../../demo/conversations/records.ts';
import { readPage, readThreads } from '../../src/account-moves/narrowing.ts';
import { patience } from '../../src/account-moves/patience.ts';
import { SourceFailed, type Reader } from '../../src/account-moves/reader.ts';
import { storeReader } from '../../src/account-moves/store-reader.ts';
import { useConversations } from '../support/conversations.ts';

const older = useConversations();
const account = wanted({ id: 'a-1', messages: 40 });
const positions = [...messageItems(account)].map(({ position }) => position);
let reader: Reader;

beforeAll(async () => {
  Object.assign(patience, { store: 200, storeAttempts: 1, recordAttempts: 3, recordDelay: 1 });
  await older.add(account);
});
beforeEach(() => {
  reader = storeReader(older.moves, 'a-1', new AbortController().signal);
});
afterEach(() => reader.close());

/**
 * Returns a fault pattern for one message: it matches the request for the message, and the message
 * in the answer to a query.
 */
const recordAt = (index: number) => new RegExp(`#${positions[index]?.split('#')[1]}$`);
const page = (range = {}) => readPage(reader, { limit: 20, ...range });
const cursorsOf = (items: { cursor: string }[]) => items.map(({ cursor }) => cursor);

describe('readPage, which reads a page of messages from the older system Conversations', () => {
  test('readPage reads a page without failures in one request', async () => {
    const fault = older.fail({ match: /GetItem/, name: '500' });
    const { items, lost, next } = await page();
    expect([items.length, lost, next]).toEqual([20, [], positions[19]]);
    expect(fault.hits).toBe(0);
  });

  test.each(['500', 'throttle', 'hang', 'cut', 'garbage'] as const)(
    'readPage reports a record that always fails with “%s” as lost, and reads all other records (S4-43, S4-44)',
    async (name) => {
      older.fail({ match: recordAt(7), name });
      const { items, lost, next } = await page();
      const cursors = positions.slice(0, 20);
      expect(cursorsOf(items)).toEqual(cursors.filter((one) => one !== positions[7]));
      expect(cursorsOf(lost)).toEqual([positions[7]]);
      expect(next).toBe(positions[19]);
      expect((await page({ after: next })).items).toHaveLength(20);
    },
  );

  test('readPage tries a record several times before it reports the record as lost (S4-43)', async () => {
    older.fail({ match: recordAt(7), name: '500', count: 3 });
    const { items, lost } = await page();
    expect([items.length, lost]).toEqual([20, []]);
    const fault = older.fail({ match: recordAt(7), name: '500' });
    expect((await page()).lost).toHaveLength(1);
    // One of these requests was for the whole page; all others were for this record only.
    expect(fault.hits).toBe(1 + patience.recordAttempts);
  });

  test('readPage gives a reason and a cause code for each lost record (S4-44)', async () => {
    older.fail({ match: recordAt(7), name: 'throttle' });
    const [lost] = (await page()).lost;
    expect(lost).toMatchObject({ cursor: positions[7], cause: 'throttled' });
    expect(lost?.reason).toContain('throttled');
  });

  test('readPage reports nine unreadable records in a row as lost, but throws SourceFailed for ten in a row', async () => {
    for (let index = 3; index < 12; index += 1) older.fail({ match: recordAt(index), name: '500' });
    expect((await page()).lost).toHaveLength(9);
    older.fail({ match: recordAt(12), name: '500' });
    await expect(page()).rejects.toMatchObject({ code: 'error' });
  });

  test('readPage reports ten unreadable records as lost if readable records are between them', async () => {
    for (let index = 0; index < 20; index += 2) {
      older.fail({ match: recordAt(index), name: '500' });
    }
    expect((await page()).lost).toHaveLength(10);
  });

  test.each([
    ['401', 'denied'],
    ['404', 'no-table'],
  ] as const)(
    'readPage throws at once and reports no lost records when DynamoDB, the older system’s store, answers every request with the fault %s',
    async (name, code) => {
      const fault = older.fail({ match: /./, name });
      await expect(page()).rejects.toMatchObject({ code });
      expect(fault.hits).toBe(1);
    },
  );

  test('readPage throws and reports no lost records when every request fails, even on a short last page', async () => {
    older.fail({ match: /./, name: 'throttle' });
    await expect(page({ after: positions[37] })).rejects.toThrow(SourceFailed);
  });

  test('readPage throws and reports no lost records when access is denied while it reads single records', async () => {
    older.fail({ match: /^Query messages/, name: '500', count: 1 });
    older.fail({ match: recordAt(4), name: '401' });
    await expect(page()).rejects.toMatchObject({ code: 'denied' });
  });

  test('readPage stays within the requested range of messages when it reads them one by one', async () => {
    older.fail({ match: recordAt(7), name: '500' });
    const { items, lost, next } = await page({ after: positions[4], until: positions[9] });
    expect(
      cursorsOf([...items, ...lost])
        .toSorted()
        .toReversed(),
    ).toEqual(positions.slice(5, 9));
    expect(next).toBeNull();
  });
});

describe('readThreads, which reads threads from the older system Conversations', () => {
  test('readThreads reports a thread that always fails as lost, and reads all other threads (S4-43, S4-44)', async () => {
    older.fail({ match: /BatchGetItem threads a-1 t-1$/, name: '500' });
    const { items, lost } = await readThreads(reader, ['t-0', 't-1', 't-2', 'none']);
    expect(cursorsOf(items).toSorted()).toEqual(['t-0', 't-2']);
    expect(lost).toMatchObject([{ cursor: 't-1', cause: 'error' }]);
  });

  test('readThreads throws and reports no lost threads when DynamoDB, the older system’s store, denies all access', async () => {
    older.fail({ match: /BatchGetItem/, name: '401' });
    await expect(readThreads(reader, ['t-0', 't-1'])).rejects.toMatchObject({ code: 'denied' });
  });
});
