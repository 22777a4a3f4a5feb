import { expect, test } from 'vitest';
import { timeOf } from '../../src/backups/manifest.ts';
import { outdated } from '../../src/backups/retention.ts';

const now = new Date('2026-11-26T12:00:00Z');
const daysAgo = (days: number) => timeOf(new Date(now.getTime() - days * 24 * 60 * 60 * 1000));
const nightly = (days: number) => Array.from({ length: days }, (_one, index) => daysAgo(index));

test('retention keeps all backups of the last seven days, and the first backup of each week for five weeks', () => {
  const all = nightly(60);
  const gone = new Set(outdated(all, now));
  const kept = all.filter((time) => !gone.has(time)).map((time) => time.slice(0, 10));
  expect(kept).toEqual([
    ...nightly(8).map((time) => time.slice(0, 10)),
    '2026-11-16',
    '2026-11-09',
    '2026-11-02',
    '2026-10-26',
  ]);
});

test('retention keeps all backups of today', () => {
  expect(outdated([daysAgo(0), daysAgo(0.1), daysAgo(0.2)], now)).toEqual([]);
});

test('retention keeps the newest backup, however old it is', () => {
  expect(outdated([daysAgo(400), daysAgo(401)], now)).toEqual([daysAgo(401)]);
});
