// Decides which backups are kept: all backups of the last seven days, the first backup of each week for five weeks,
// and always the newest backup.
import type { Objects } from '../storage/objects.ts';
import { folderOf, instantOf, timesOf } from './manifest.ts';

const DAY = 24 * 60 * 60 * 1000;
const DAYS = 7;
const WEEKS = 5;

/**
 * Returns the times of the backups that may be deleted. `times` has the times of all backups,
 * newest first.
 */
export function outdated(times: string[], now: Date): string[] {
  const ageOf = (time: string) => (now.getTime() - instantOf(time).getTime()) / DAY;
  const firstOfWeek = new Map<number, string>();
  for (const time of times) firstOfWeek.set(weekOf(time), time);
  return times.filter((time, index) => {
    const isRecent = index === 0 || ageOf(time) <= DAYS;
    const isWeekly = ageOf(time) <= WEEKS * 7 && firstOfWeek.get(weekOf(time)) === time;
    return !isRecent && !isWeekly;
  });
}

/**
 * Returns the number of the week, counted from 1970, for weeks that begin on Monday. The 3 is added
 * because 1 January 1970 was a Thursday.
 */
const weekOf = (time: string) => Math.floor((instantOf(time).getTime() / DAY + 3) / 7);

/** Deletes outdated backups, and files of failed attempts older than a day; returns the times of deleted backups. */
export async function applyRetention(
  store: Objects,
  client: string,
  now = new Date(),
): Promise<string[]> {
  const times = await timesOf(store, client);
  const gone = outdated(times, now);
  for (const time of gone) await removeFiles(store, folderOf({ client, time }));
  const before = new Date(now.getTime() - DAY);
  const complete = new Set(times);
  for await (const { key, modifiedAt } of store.list(`${client}/`)) {
    const [, time = ''] = key.split('/');
    const isLeftBehind = /^\d{4}-/.test(time) && !complete.has(time);
    if (isLeftBehind && modifiedAt < before) await store.delete(key);
  }
  return gone;
}

/**
 * Deletes the files of a backup, the manifest first: without a manifest, the remaining files do not
 * count as a backup.
 */
export async function removeFiles(store: Objects, folder: string) {
  await store.delete(`${folder}manifest.json`);
  const keys: string[] = [];
  for await (const { key } of store.list(folder)) keys.push(key);
  for (const key of keys) await store.delete(key);
}
