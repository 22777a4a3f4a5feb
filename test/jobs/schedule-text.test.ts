// The times of a schedule in words, from its cron pattern.
import { expect, test } from 'vitest';
import { scheduleText } from '../../src/jobs/schedule-text.ts';

test.each([
  ['0 3 * * *', 'At 03:00'],
  ['30 14 * * *', 'At 14:30'],
  ['*/5 * * * *', 'Every 5 minutes'],
  ['15 * * * *', 'At 15 minutes past the hour'],
  ['0 4 * * 1,7', 'At 04:00, only on Monday and Sunday'],
  ['0 4 * * 1-5', 'At 04:00, Monday through Friday'],
  ['0 4 1 6 *', 'At 04:00, on day 1 of the month, only in June'],
  ['0 25 * * *', null],
  ['', null],
])('the cron pattern %j of a schedule is shown in words as %j', (pattern, text) => {
  expect(scheduleText(pattern)).toBe(text);
});
