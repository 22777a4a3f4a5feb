// Builds a staging database (a copy) from a backup. If the process is killed, the next attempt drops the unfinished
// databases and builds the copy from the beginning.
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { withBackups } from '../backups/job.ts';
import { readManifest, type Manifest } from '../backups/manifest.ts';
import type { Source } from '../backups/read.ts';
import { select, sql, transaction } from '../database/sql.ts';
import { appOn, type App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import { raiseIds } from '../environments/ids.ts';
import type { Work } from '../jobs/task.ts';
import { NotFound } from '../problems.ts';
import { restore } from '../release/restore.ts';
import { currentVersion } from '../version/db-version.ts';
import { callBack } from './call-back.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import {
  createDatabases,
  dropDatabases,
  renameSpare,
  settingsOfCopies,
  withCopy,
} from './databases.ts';
import { finishDrop } from './drop.ts';
import { requestRestoreTest } from './restore-test-request.ts';
import { failpoint } from '../database/failpoints.ts';

export const buildInput = z.object({ copy: z.uuid() });

export type BuildReport = { name: string; rows: number; backup: string };

/**
 * Runs the job that builds an ordered staging database (`copy`). Does nothing if its state is not `building`, for
 * example because it was dropped meanwhile.
 */
export async function buildCopy(
  { here, report }: Work,
  { copy: id }: z.infer<typeof buildInput>,
): Promise<BuildReport | null> {
  const copy = await copies.byId(here.sql, id);
  if (!copy) return null;
  if (copy.state === 'building') {
    await withBackups(here, async (store) => {
      if (await takeOver(here, copy, report)) return;
      const source = { store, identity: here.settings.backups.identity };
      const manifest = await readManifest(store, { client: copy.client, time: copy.backup });
      await makeDatabases(here, await copies.known(here.sql, copy.id), manifest, {
        source,
        report,
      });
    });
    await markReady(here, copy);
  }
  return { name: copy.name, rows: copy.row_count, backup: copy.backup };
}

/**
 * Turns the spare (a tested staging database) that was reserved for this order into the ordered one, so that the backup
 * need not be loaded. Returns false if no spare was reserved, or if the databases of the spare no longer exist.
 */
async function takeOver(here: App, copy: Copy, report: Work['report']): Promise<boolean> {
  const { spare_name: spare } = copy;
  if (spare === null) return false;
  await report({ done: 0, total: 0, doing: 'Taking the tested copy' });
  await makeRoom(here, copy);
  await copies.change(here.sql, copy, ['building'], sql`is_creating = true`);
  await failpoint('copy taking over');
  try {
    await renameSpare(here, { ...copy, is_creating: 1, spare_name: spare });
    await failpoint('copy taken over');
    return true;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    const own = sql`spare_name = null, mark = id, documents_name = name`;
    await copies.change(here.sql, copy, ['building'], own);
    return false;
  }
}

type How = {
  source: Source;
  report: Work['report'];
  /** Called when all rows of the backup are loaded, before anything changes them. */
  afterLoad?: (loaded: Environment) => Promise<void>;
};

/**
 * Creates the MySQL and MongoDB databases of a copy (staging database) and loads the backup into them. Before that,
 * drops the databases that an interrupted attempt left.
 */
export async function makeDatabases(
  here: App,
  copy: Copy,
  manifest: Manifest,
  { source, report, afterLoad }: How,
) {
  const total = copy.row_count;
  const doing = (what: string, done = 0) => report({ done, total, doing: what });
  await doing('Removing what an earlier attempt left');
  if (copy.is_creating === 1) await dropDatabases(here, copy);
  await failpoint('copy cleaned');
  await makeRoom(here, copy);
  await failpoint('copy has room');
  await doing('Creating the databases');
  await createDatabases(here, copy, async () => {
    await copies.change(here.sql, copy, ['building'], sql`is_creating = true`);
    await failpoint('copy creating');
  });
  await failpoint('copy created');
  await doing('Making tables');
  let done = 0;
  await withCopy(here, copy, async (environment) => {
    await restore({
      here: appOn(here, environment),
      source,
      manifest,
      say: () => {},
      onRows: async (rows) => {
        done += rows;
        await doing('Loading rows', done);
        await failpoint('copy loading');
      },
      afterLoad: async () => afterLoad?.(environment),
      // `ttlMs` is the time to wait until other processes no longer use a cached state of the database. No other
      // process has opened this new database yet.
      ttlMs: 0,
    });
    await raiseIdsAbove(environment);
  });
  await failpoint('copy loaded');
}

/**
 * Lets new rows of a staging database get higher ids than its existing rows. Its new rows get ids from the range that
 * staging uses, and in the backup, rows that were once sent from staging to production have ids of that range, too.
 */
async function raiseIdsAbove(environment: Environment) {
  const { from, to } = environment.rules.ids;
  const highest = await select<{ entity: string; id: number }>(
    environment.sql,
    sql`select entity, max(row_id) as id from row_state
         where row_id between ${from} and ${to} group by entity`,
  );
  for (const { entity, id } of highest) await raiseIds(environment, entity, [id]);
}

/** Drops the former staging database of the same name, if the new one replaces it. */
async function makeRoom(here: App, copy: Copy) {
  const former = await copies.replacedBy(here.sql, copy.id);
  if (!former) return;
  await copies.change(here.sql, former, ['ready'], sql`state = 'dropping'`);
  await finishDrop(here, former, { person: copy.person, action: 'replaced a copy' });
}

/**
 * Records that the staging database is ready, and adds the notification of the server that ordered it to the outbox, in
 * one commit.
 */
const markReady = (here: App, copy: Copy) =>
  transaction(here.sql, async (on) => {
    const { days } = settingsOfCopies(here);
    const isReady = await copies.change(
      on,
      copy,
      ['building'],
      sql`state = 'ready', ready_at = utc_timestamp(3), version = ${currentVersion()}, problem = null,
          until = utc_timestamp(3) + interval ${days} day`,
    );
    if (!isReady) return;
    // This staging database was made from the client’s spare (a tested one that nobody had ordered). A restore test of
    // the newest backup makes the next spare, so that the client’s next order need not load the backup either.
    if (copy.spare_name !== null) await requestRestoreTest(on, copy.client);
    await callBack(here, on, await copies.known(on, copy.id));
    await audit.write(on, { person: copy.person, action: 'made a copy', subject: copy.name });
  });
