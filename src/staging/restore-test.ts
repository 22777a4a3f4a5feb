// The restore test of backups: restores the newest backup of a client (company) into a staging database (copy), dumps
// the copy again and compares the dump with the backup. The tested copy is kept as a spare: the client’s next order of
// a staging database gets it at once.
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { compareWithBackup } from '../backups/compare.ts';
import { withBackups } from '../backups/job.ts';
import { clientsIn, instantOf, readManifest, timesOf, type Manifest } from '../backups/manifest.ts';
import type { Source } from '../backups/read.ts';
import { sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Work } from '../jobs/task.ts';
import { Invalid } from '../problems.ts';
import { emailAbout, notifyHolders } from '../messages/messages.ts';
import { migrationsUnknown } from '../release/restore.ts';
import { currentVersion } from '../version/db-version.ts';
import { factsOf, isMadeOf } from './accept.ts';
import { makeDatabases } from './build.ts';
import { dropDatabases } from './databases.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { drop } from './drop.ts';

/**
 * The input of the job. `client`: the client whose backup is tested; null for all clients that have
 * backups in the store.
 */
export const restoreTestInput = z.object({ client: z.string().nullable().default(null) });

/** If the newest backup is more than this many hours old, last night’s backup is missing. */
const OLD_HOURS = 26;

export type TestedBackup = {
  client: string;
  /** The time of the tested backup; null if the client has no backup. */
  backup: string | null;
  /** What is wrong with the backup; null if the restored data equals the backed-up data. */
  problem: string | null;
};

/**
 * Tests the newest backup of each client, and notifies administrators of backups that did not pass.
 */
export const runRestoreTest = (work: Work, { client }: z.infer<typeof restoreTestInput>) =>
  withBackups(work.here, async (store) => {
    const source = { store, identity: work.here.settings.backups.identity };
    const clients = client === null ? await clientsIn(store) : [client];
    const tested: TestedBackup[] = [];
    for (const one of clients) tested.push(await testNewest(work, source, one));
    await tell(work.here, tested);
    return { tested };
  });

async function testNewest(work: Work, source: Source, client: string): Promise<TestedBackup> {
  const [time] = await timesOf(source.store, client);
  if (time === undefined) return { client, backup: null, problem: 'There is no complete backup.' };
  const tested = { client, backup: time };
  const manifest = await readManifest(source.store, { client, time });
  if ((await migrationsUnknown(manifest)).length > 0) {
    return { ...tested, problem: `It is of version ${manifest.version}, which is not known here.` };
  }
  const problem = await restoreAndCompare(work, source, manifest);
  const hours = (Date.now() - instantOf(time).getTime()) / (60 * 60 * 1000);
  const old = `It is ${Math.floor(hours)} hours old: last night no backup was taken.`;
  return { ...tested, problem: problem ?? (hours > OLD_HOURS ? old : null) };
}

/**
 * Restores a backup and compares the restored data with the backup. Returns what differs, or null
 * if nothing does. Any other error fails this attempt of the job, and the job is tried again.
 */
async function restoreAndCompare({ here, job, report }: Work, source: Source, manifest: Manifest) {
  const former = await copies.spareOf(here.sql, manifest.client);
  if (former?.state === 'ready' && isMadeOf(former, manifest)) return null;
  if (former?.state === 'ready') await drop(here, former, 'Oneway');
  const spare = former?.state === 'building' ? former : await addSpare(here, job.id, manifest);
  try {
    await makeDatabases(here, spare, manifest, {
      source,
      report,
      afterLoad: async (loaded) => {
        await report({ done: 0, total: 0, doing: `Comparing ${manifest.client} with its backup` });
        await compareWithBackup(loaded, manifest);
      },
    });
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    await dropDatabases(here, { ...spare, is_creating: 1 });
    const failed = sql`state = 'failed', ended_at = utc_timestamp(3), problem = ${error.message}`;
    await copies.change(here.sql, spare, ['building'], failed);
    return error.message;
  }
  const what = sql`state = 'ready', ready_at = utc_timestamp(3), version = ${currentVersion()}`;
  await copies.change(here.sql, spare, ['building'], what);
  return null;
}

async function addSpare(here: App, job: string, manifest: Manifest): Promise<Copy> {
  const id = uuid();
  const { client } = manifest;
  await copies.add(here.sql, {
    ...factsOf(manifest),
    id,
    name: `${client}-lab_restore-test`,
    client,
    level: 'lab',
    person: 'Oneway',
    job,
    isSpare: true,
    spare: null,
    callback: null,
  });
  return copies.known(here.sql, id);
}

async function tell(here: App, tested: TestedBackup[]) {
  const wrong = tested.filter(({ problem }) => problem !== null);
  if (wrong.length === 0) return;
  const lines = wrong.map(({ client, backup, problem }) => `${client} ${backup ?? ''}: ${problem}`);
  await transaction(here.sql, (on) =>
    notifyHolders(on, {
      event: 'backup.test-failed',
      permission: 'administrator',
      except: '',
      text: `The restore test of backups found: ${lines.join(' ')}`,
      href: '/jobs?kind=restore-test',
      email: emailAbout(here, 'A backup did not pass its restore test'),
    }),
  );
}
