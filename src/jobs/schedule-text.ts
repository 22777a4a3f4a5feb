// Says in words when a schedule runs.
import cronstrue from 'cronstrue';

/** Returns `At 03:00` for `0 3 * * *`; null for a cron pattern that cannot be said in words. */
export function scheduleText(pattern: string): string | null {
  try {
    return cronstrue.toString(pattern, { use24HourTimeFormat: true });
  } catch {
    return null;
  }
}
