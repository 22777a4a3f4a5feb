// Says in words when a schedule runs.
import { plural } from '../web/format.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Returns `Every day at 03:00` for `0 3 * * *`; null for a cron pattern that has no short text. */
export function scheduleText(pattern: string): string | null {
  const [minute = '', hour = '', date, month, day = '', ...others] = pattern.trim().split(/\s+/);
  if (others.length > 0 || month !== '*') return null;
  if (date === '*' && day === '*' && hour === '*') return withinHours(minute);
  const time = timeText(minute, hour);
  if (date === '*' && day === '*')
    return time === null ? everyHours(minute, hour) : `Every day at ${time}`;
  if (time === null) return null;
  if (date === '*') return weekText(day, time);
  return day === '*' && isNumber(date) ? `On day ${date} of every month at ${time}` : null;
}

const isNumber = (text = '') => /^\d{1,2}$/.test(text);

function withinHours(minute: string): string | null {
  if (isNumber(minute)) return minute === '0' ? 'Every hour' : `Every hour, at minute ${minute}`;
  const step = stepIn(minute);
  return step === null ? null : every(step, { one: 'minute', many: 'minutes' });
}

function everyHours(minute: string, hour: string): string | null {
  const step = stepIn(hour);
  if (step === null || !isNumber(minute)) return null;
  const text = every(step, { one: 'hour', many: 'hours' });
  return minute === '0' ? text : `${text}, at minute ${minute}`;
}

const every = (step: number, label: { one: string; many: string }) =>
  step === 1 ? `Every ${label.one}` : `Every ${plural(step, label)}`;

/** Returns 1 for `*`, and the number of a step such as every fifth; null for anything else. */
function stepIn(field: string): number | null {
  if (field === '*') return 1;
  const [, step] = /^\*\/([1-9]\d?)$/.exec(field) ?? [];
  return step === undefined ? null : Number(step);
}

const timeText = (minute: string, hour: string) =>
  isNumber(minute) && isNumber(hour) ? `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` : null;

function weekText(day: string, time: string): string | null {
  const range = /^([0-7])-([0-7])$/.exec(day);
  if (range) return `${dayName(range[1])} to ${dayName(range[2])} at ${time}`;
  const days = day.split(',');
  if (!days.every((one) => /^[0-7]$/.test(one))) return null;
  return `Every ${days.map(dayName).join(', ')} at ${time}`;
}

const dayName = (number = '0') => DAYS[Number(number) % 7] ?? '';
