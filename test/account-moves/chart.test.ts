import { expect, test } from 'vitest';
import { chartOf, everyDay, roundUp } from '../../src/account-moves/chart.ts';

test.each([
  [1, 4],
  [4, 4],
  [5, 8],
  [9, 20],
  [21, 40],
  [999, 2000],
  [12_345, 20_000],
])('the axis of a migration chart whose largest bar is %d ends at %d', (most, top) => {
  expect(roundUp(most)).toBe(top);
});

test('the migration chart includes days on which no migration ended, even across the end of a month', () => {
  const known = [{ day: '2026-02-28', done: 3, failed: 1 }];
  expect(everyDay(known, '2026-03-02', 4)).toEqual([
    { day: '2026-02-27', done: 0, failed: 0 },
    { day: '2026-02-28', done: 3, failed: 1 },
    { day: '2026-03-01', done: 0, failed: 0 },
    { day: '2026-03-02', done: 0, failed: 0 },
  ]);
});

test('the migration chart draws failed migrations on top of completed ones, and shows one failure beside 1,000 completed ones', () => {
  const chart = chartOf([
    { day: '2026-11-25', done: 1000, failed: 1 },
    { day: '2026-11-26', done: 0, failed: 0 },
  ]);
  const [first, second] = chart?.bars ?? [];
  const [done, failed] = first?.parts ?? [];
  expect(first?.parts.map(({ kind }) => kind)).toEqual(['done', 'failed']);
  expect(failed?.height).toBeGreaterThanOrEqual(3);
  expect((failed?.y ?? 0) + (failed?.height ?? 0)).toBeCloseTo(done?.y ?? -1);
  expect((done?.y ?? 0) + (done?.height ?? 0)).toBeCloseTo(chart?.baseline ?? -1);
  expect(second?.parts).toEqual([]);
  expect(chart?.lines.map(({ text }) => text)).toEqual(['0', '500', '1,000', '1,500', '2,000']);
});

test('the bars of the migration chart lie inside the chart and do not overlap', () => {
  const days = everyDay([{ day: '2026-11-26', done: 7, failed: 9 }], '2026-11-26', 14);
  const chart = chartOf(days);
  const bars = chart?.bars ?? [];
  expect(bars).toHaveLength(14);
  for (const [index, bar] of bars.entries()) {
    const before = bars[index - 1];
    expect(bar.x).toBeGreaterThanOrEqual(before ? before.x + before.width : (chart?.left ?? 0));
    expect(bar.x + bar.width).toBeLessThanOrEqual(chart?.width ?? 0);
    for (const { y } of bar.parts) expect(y).toBeGreaterThanOrEqual(0);
  }
});

test('there is no migration chart for a period in which no migration ended', () => {
  expect(chartOf(everyDay([], '2026-11-26', 14))).toBeNull();
});
