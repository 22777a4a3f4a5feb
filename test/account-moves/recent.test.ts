// Tests which messages of an account are recent and therefore migrated first: messages of the last days, up to a
// maximum, and always the newest 50. Also tests with how many dead letters a migration fails.
import { expect, test } from 'vitest';
import { recentLimit, recentOf } from '../../src/account-moves/recent.ts';
import { hasTooManyLetters } from '../../src/account-moves/limits.ts';

/**
 * Generates messages, one for each hour, the newest first. The newest message is dated 30 November
 * 2026, 23:00.
 */
const hourly = (count: number, from = 0) =>
  Array.from({ length: count }, (_one, index) => {
    const at = new Date(Date.UTC(2026, 10, 30, 23) - (from + index) * 3_600_000).toISOString();
    const position = `${at}#m${from + index}`;
    return { cursor: position, item: { position } };
  });
const cutAt = '2026-11-28T00:00:00.000Z';

test('S4-84 the messages of the last days are recent (migrated first), and reading continues after the last of them', () => {
  const page = { items: hourly(250), next: 'after the page' };
  const { items, next, isLast } = recentOf(page, { after: null, read: 0, cutAt, most: 1000 });
  expect(items.length).toBe(72);
  expect(next).toBe(items.at(-1)?.cursor);
  expect(isLast).toBe(true);
});

test('S4-84 the newest 50 messages of an account are recent (migrated first), however old they are', () => {
  const old = { items: hourly(100, 5000), next: 'after the page' };
  const first = recentOf(old, { after: null, read: 0, cutAt, most: 1000 });
  expect(first.items.length).toBe(50);
  const second = recentOf(old, { after: 'x', read: 250, cutAt, most: 1000 });
  expect(second).toEqual({ items: [], next: 'x', isLast: true });
});

test('S4-84 at most the configured number of messages of an account are recent (migrated first)', () => {
  const recent = { cutAt: '2020-01-01T00:00:00.000Z', most: 1000 };
  expect(recentLimit(0, recent, 250)).toBe(250);
  expect(recentLimit(900, recent, 250)).toBe(100);
  expect(recentLimit(1000, recent, 250)).toBe(0);
  const page = { items: hourly(100), next: 'after the page' };
  expect(recentOf(page, { after: 'x', read: 900, ...recent }).isLast).toBe(true);
  expect(recentOf(page, { after: 'x', read: 500, ...recent })).toEqual({ ...page, isLast: false });
});

test('reading an account’s recent messages ends at its last page of messages, even if fewer than the allowed number were read', () => {
  const page = { items: hourly(3), next: null };
  expect(recentOf(page, { after: null, read: 0, cutAt, most: 1000 })).toEqual({
    ...page,
    isLast: true,
  });
});

const counts = { channels: 1, threads: 9, messages: 990, failed: 0, expected_messages: null };
const limits = { allowed: 20, percent: 2 };

test.each([
  { failed: 20, messages: 10, expected: null, isTooMany: false },
  { failed: 21, messages: 990, expected: null, isTooMany: true },
  { failed: 21, messages: 1100, expected: null, isTooMany: false },
  { failed: 21, messages: 100, expected: 10_000, isTooMany: false },
  { failed: 201, messages: 100, expected: 10_000, isTooMany: true },
])(
  'S4-45 S4-46 S4-47 a migration with $failed dead letters, $messages stored and $expected expected messages has too many dead letters: $isTooMany',
  ({ failed, messages, expected, isTooMany }) => {
    const move = { ...counts, failed, messages, expected_messages: expected };
    expect(hasTooManyLetters(move, limits)).toBe(isTooMany);
  },
);
