// The times of a schedule in words, from its cron pattern.
import { expect, test } from 'vitest';
import { scheduleText } from '../../src/jobs/schedule-text.ts';

test.each([
  ['0 3 * * *', 'Every day at 03:00'],
  ['30 14 * * *', 'Every day at 14:30'],
  ['* * * * *', 'Every minute'],
  ['*/5 * * * *', 'Every 5 minutes'],
  ['0 * * * *', 'Every hour'],
  ['15 * * * *', 'Every hour, at minute 15'],
  ['0 */6 * * *', 'Every 6 hours'],
  ['10 */6 * * *', 'Every 6 hours, at minute 10'],
  ['0 4 * * 1', 'Every Monday at 04:00'],
  ['0 4 * * 1,7', 'Every Monday, Sunday at 04:00'],
  ['0 4 * * 1-5', 'Monday to Friday at 04:00'],
  ['0 4 1 * *', 'On day 1 of every month at 04:00'],
  ['0 4 1 6 *', null],
  ['0 4 1 * 1', null],
  ['0,30 4 * * *', null],
  ['0 8-17 * * *', null],
  ['* * * * * *', null],
  ['', null],
])('the cron pattern %j of a schedule is shown in words as %j', (pattern, text) => {
  expect(scheduleText(pattern)).toBe(text);
});
