// The cleanup of unused images: deletes images that nothing in the databases of this environment refers to. The cleanup
// is refused if other environments use the same store, because this environment cannot see which images they refer to.
// So every environment stores a small object, its mark, in the store that it uses, even if it deletes nothing.
import { createHash } from 'node:crypto';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import { first, sql, type Queryable } from '../database/sql.ts';
import type { Settings } from '../settings.ts';
import { namedImages } from './image-names.ts';
import { deleteImage, listImages } from './images.ts';
import type { Objects } from './objects.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

type Owner = {
  name: string;
  sql: Queryable;
  documents: Db;
  storage: Objects;
  settings: Pick<Settings, 'sql' | 'nosql' | 'storage'>;
  log: Logger;
};

/**
 * Cleans up the store once a day: every process calls this function, and the first process of the day does the work.
 * Without a grace period in the settings, only stores the mark of this environment (see markOf).
 */
export async function sweepDaily(here: Owner): Promise<void> {
  await leaveMark(here);
  const { sweepAfterDays: days } = here.settings.storage;
  if (days === null || !(await isFirstToday(here.storage))) return;
  const report = await sweepImages(here, days * DAY);
  here.log.info(report, 'sweep of storage');
}

export type SweepReport = {
  /** Why nothing was deleted; null if the cleanup was done. */
  refusal: string | null;
  removed: number;
  /** How many images are old enough to be deleted, but still referenced. */
  kept: number;
  /** How many unfinished uploads were removed. */
  unfinished: number;
};

/**
 * Deletes images that nothing refers to and that were stored longer ago than the grace period in
 * milliseconds.
 */
export async function sweepImages(here: Owner, graceMs: number): Promise<SweepReport> {
  const before = new Date(Date.now() - graceMs);
  const refused = await refusal(here, before);
  const report: SweepReport = { refusal: refused, removed: 0, kept: 0, unfinished: 0 };
  if (refused !== null) return report;
  const { storage } = here;
  const old: string[] = [];
  for await (const { name, modifiedAt } of listImages(storage)) {
    if (modifiedAt < before) old.push(name);
  }
  // References are read after the list of images, so that an image that is stored meanwhile is not
  // in the list and is kept.
  const named = old.length > 0 ? await namedImages(here) : new Set<string>();
  for (const name of old) {
    if (named.has(name)) report.kept += 1;
    else if (await deleteImage(storage, name, { unlessNewerThan: before })) report.removed += 1;
  }
  report.unfinished = await storage.removeUnfinished(before);
  return report;
}

async function refusal(here: Owner, before: Date): Promise<string | null> {
  const own = await here.storage.find(markOf(here));
  if (!own || own.modifiedAt >= before) {
    return 'This store is used for less than the grace period: others may not have left their mark yet.';
  }
  const other = await markOfAnother(here);
  if (other !== null) {
    return `Another environment keeps its images here, too: ${other}. Delete that object if the environment is gone.`;
  }
  // A transfer stores its images before the rows that refer to them. While an old transfer has not ended, its rows may
  // still be written, so no image may be deleted.
  const stuck = await first<{ origin: string; number: number }>(
    here.sql,
    sql`select origin, number from claim where since < utc_timestamp(3) - interval 12 hour limit 1`,
  );
  return stuck ? `Transfer ${stuck.number} from ${stuck.origin} has not ended yet.` : null;
}

const MARKS = 'environments/';

export async function leaveMark(here: Owner) {
  const key = markOf(here);
  if (!(await here.storage.find(key))) {
    await here.storage.put(key, Buffer.from(`${here.name} keeps images here.\n`));
  }
}

async function markOfAnother(here: Owner): Promise<string | null> {
  for await (const { key } of here.storage.list(MARKS)) if (key !== markOf(here)) return key;
  return null;
}

/**
 * Returns the key of the mark that an environment leaves in its store. The key contains a digest of the addresses of
 * its databases, because two environments may have the same name.
 */
function markOf({ name, settings }: Owner): string {
  const databases = [settings.sql, settings.nosql].map(
    ({ host, port, name: database }) => `${host}:${port}/${database}`,
  );
  const digest = createHash('sha256').update(databases.join(' ')).digest('hex').slice(0, 12);
  return `${MARKS}${name}-${digest}`;
}

const SWEEPS = 'sweeps/';

async function isFirstToday(storage: Objects): Promise<boolean> {
  const today = `${SWEEPS}${new Date().toISOString().slice(0, 10)}`;
  if ((await storage.putIfAbsent(today, Buffer.from(''))) === null) return false;
  for await (const { key } of storage.list(SWEEPS)) if (key < today) await storage.delete(key);
  return true;
}
