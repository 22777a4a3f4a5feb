// Tests the conversion between local times of a time zone and instants in UTC.
import { expect, test } from 'vitest';
import { instantsAt, localTimeOf } from '../../src/web/local-time.ts';

test.each([
  ['Asia/Kolkata', '2026-11-30T09:00:00', ['2026-11-30T03:30:00.000Z']],
  ['Europe/Berlin', '2026-07-01T09:00:00', ['2026-07-01T07:00:00.000Z']],
  ['Europe/Berlin', '2026-03-29T02:30:00', []],
  [
    'Europe/Berlin',
    '2026-10-25T02:30:00',
    ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'],
  ],
  ['Europe/Berlin', '2026-10-25T03:00:00', ['2026-10-25T02:00:00.000Z']],
  [
    'America/New_York',
    '2026-11-01T01:30:00',
    ['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z'],
  ],
  ['Australia/Lord_Howe', '2026-10-04T02:15:00', []],
  ['Pacific/Apia', '2011-12-30T12:00:00', []],
  ['Asia/Kathmandu', '1986-01-01T00:10:00', []],
])('in the time zone %s, the local time %s stands for the instants %j', (zone, local, instants) => {
  expect(instantsAt(local, zone)).toEqual(instants);
  for (const instant of instants) expect(localTimeOf(instant, zone)).toBe(local);
});

test('every hour of months in which clocks change can be converted to its local time and back', () => {
  for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe']) {
    for (const month of ['2028-03', '2028-04', '2028-10', '2028-11']) {
      const start = Date.parse(`${month}-01T00:00:00Z`);
      for (let hour = 0; hour < 30 * 24; hour += 1) {
        const instant = new Date(start + hour * 60 * 60 * 1000).toISOString();
        expect(instantsAt(localTimeOf(instant, zone), zone)).toContain(instant);
      }
    }
  }
});
