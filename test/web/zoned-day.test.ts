// Tests where the days of a time zone begin and end.
import { expect, test } from 'vitest';
import { endOfDay, startOfDay } from '../../src/web/zoned-day.ts';

test.each([
  ['2026-11-30', 'UTC', '2026-11-30T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
  ['2026-11-30', 'Asia/Kolkata', '2026-11-29T18:30:00.000Z', '2026-11-30T18:30:00.000Z'],
  ['2026-11-30', 'America/New_York', '2026-11-30T05:00:00.000Z', '2026-12-01T05:00:00.000Z'],
  ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
  ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
  ['2026-12-31', 'Pacific/Auckland', '2026-12-30T11:00:00.000Z', '2026-12-31T11:00:00.000Z'],
])('the day %s in %s begins at %s and ends at %s', (day, zone, from, to) => {
  expect([startOfDay(day, zone), endOfDay(day, zone)]).toEqual([from, to]);
});

test.each(['', '2026-02-30', '2026-13-01', 'yesterday', "' or 1=1"])(
  'the text %j is no valid day, so it has no first instant and no end',
  (text) => {
    expect([startOfDay(text, 'UTC'), endOfDay(text, 'UTC')]).toEqual([null, null]);
  },
);
