import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
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

/** A pattern for requests and answers that hold the whole record. */
const recordAt = (index: number) => new RegExp(`#${positions[index]?.split('#')[1]}$`);
const page = (range = {}) => readPage(reader, { limit: 20, ...range });
const cursorsOf = (items: { cursor: string }[]) => items.map(({ cursor }) => cursor);

describe('readPage', () => {
  test('reads a page that does not fail at once', async () => {
    const fault = older.fail({ match: /GetItem/, name: '500' });
    const { items, lost, next } = await page();
    expect([items.length, lost, next]).toEqual([20, [], positions[19]]);
    expect(fault.hits).toBe(0);
  });

  test.each(['500', 'throttle', 'hang', 'cut', 'garbage'] as const)(
    'leaves out one record that fails for ever, and reads on (S4-43, S4-44): %s',
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

  test('asks for a record several times before it counts as lost (S4-43)', async () => {
    older.fail({ match: recordAt(7), name: '500', count: 3 });
    const { items, lost } = await page();
    expect([items.length, lost]).toEqual([20, []]);
    const fault = older.fail({ match: recordAt(7), name: '500' });
    expect((await page()).lost).toHaveLength(1);
    // Once as part of the page.
    expect(fault.hits).toBe(1 + patience.recordAttempts);
  });

  test('says of a lost record why, and a code to group it by (S4-44)', async () => {
    older.fail({ match: recordAt(7), name: 'throttle' });
    const [lost] = (await page()).lost;
    expect(lost).toMatchObject({ cursor: positions[7], cause: 'throttled' });
    expect(lost?.reason).toContain('throttled');
  });

  test('nine failures in a row are lost records, ten are the fault of the source', async () => {
    for (let index = 3; index < 12; index += 1) older.fail({ match: recordAt(index), name: '500' });
    expect((await page()).lost).toHaveLength(9);
    older.fail({ match: recordAt(12), name: '500' });
    await expect(page()).rejects.toMatchObject({ code: 'error' });
  });

  test('failures that are not in a row do not add up', async () => {
    for (let index = 0; index < 20; index += 2) {
      older.fail({ match: recordAt(index), name: '500' });
    }
    expect((await page()).lost).toHaveLength(10);
  });

  test.each([
    ['401', 'denied'],
    ['404', 'no-table'],
  ] as const)('makes no record of a fault of the whole source: %s', async (name, code) => {
    const fault = older.fail({ match: /./, name });
    await expect(page()).rejects.toMatchObject({ code });
    expect(fault.hits).toBe(1);
  });

  test('makes no record of a store that fails altogether, also on the last page', async () => {
    older.fail({ match: /./, name: 'throttle' });
    await expect(page({ after: positions[37] })).rejects.toThrow(SourceFailed);
  });

  test('a source that is denied in the middle loses no record', async () => {
    older.fail({ match: /^Query messages/, name: '500', count: 1 });
    older.fail({ match: recordAt(4), name: '401' });
    await expect(page()).rejects.toMatchObject({ code: 'denied' });
  });

  test('stays within the range that was asked for', async () => {
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

describe('readThreads', () => {
  test('leaves out one thread that fails for ever (S4-43, S4-44)', async () => {
    older.fail({ match: /BatchGetItem threads a-1 t-1$/, name: '500' });
    const { items, lost } = await readThreads(reader, ['t-0', 't-1', 't-2', 'none']);
    expect(cursorsOf(items).toSorted()).toEqual(['t-0', 't-2']);
    expect(lost).toMatchObject([{ cursor: 't-1', cause: 'error' }]);
  });

  test('makes no thread of a fault of the whole source', async () => {
    older.fail({ match: /BatchGetItem/, name: '401' });
    await expect(readThreads(reader, ['t-0', 't-1'])).rejects.toMatchObject({ code: 'denied' });
  });
});
