// Deletes rows of datasets that no version needs. The stored files are kept, so that a person can load each file again.
import { failpoint } from '../database/failpoints.ts';
import { first, run, select, sql, transaction, type Statement } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Dataset } from './datasets.ts';
import { lockDataset } from './versions.ts';

/**
 * How many rows one statement deletes. A larger statement would block the statements of other
 * programs for too long.
 */
const CHUNK = 5000;

/**
 * The condition that a data file is not in state `processing`, and that the rows of every dataset version that contains
 * the file may be deleted.
 */
const isUnused = sql`file.state <> 'processing' and not exists (
  select 1 from data_version_file used
    join data_version version on version.dataset = used.dataset and version.number = used.version
   where used.datafile = file.id and version.purged_at is null)`;

/** Deletes the rows and rejected lines that an earlier load stored, before the file is loaded from its first line. */
export const purgeBeforeLoad = (here: App, datafile: number) =>
  purgeRows(here, datafile, sql`file.state = 'processing' and file.loaded_line = 0`);

/**
 * Deletes the rows of a data file if no version needs them. If a load of the file has begun
 * meanwhile, its rows are kept.
 */
export const purgeUnused = (here: App, datafile: number) => purgeRows(here, datafile, isUnused);

/**
 * Deletes the rows and rejected lines of a data file in chunks, and stops as soon as the condition is false. Each chunk
 * locks the file’s entry in the table of data files. Each commit of a load updates that entry, so a load cannot store
 * rows while a chunk is deleted.
 */
async function purgeRows({ sql: on }: App, datafile: number, condition: Statement): Promise<void> {
  let deleted = CHUNK;
  while (deleted === CHUNK) {
    deleted = await transaction(on, async (connection) => {
      // The lock is a separate statement, so that the condition below sees everything that was
      // committed before the lock.
      await select(
        connection,
        sql`select id from operations_datafile_registry where id = ${datafile} for update`,
      );
      const file = await first(
        connection,
        sql`select file.id from operations_datafile_registry file
             where file.id = ${datafile} and ${condition}`,
      );
      if (!file) return 0;
      await run(connection, sql`delete from data_reject where datafile = ${datafile}`);
      return run(connection, sql`delete from data_row where datafile = ${datafile} limit ${CHUNK}`);
    });
    await failpoint('rows deleted');
  }
}

/**
 * Runs every hour: deletes the rows of old versions, and the rows of data files that are in no version. Returns how
 * many versions it purged.
 */
export async function purgeVersions(here: App): Promise<number> {
  const { sql: on } = here;
  const all = await select<Dataset>(
    on,
    sql`select * from dataset where current_version is not null`,
  );
  let purged = 0;
  for (const dataset of all) purged += await markPurged(here, dataset);
  for (const { id } of await withoutVersion(here)) await purgeUnused(here, id);
  return purged;
}

/**
 * Marks the oldest versions as purged, so that their rows are deleted and the dataset keeps as many versions as its
 * settings say. The current version is never purged. A version that a client read within the last hour is kept, because
 * the client may still be reading its rows.
 */
const markPurged = ({ sql: on }: App, { id, keep_versions: keep }: Dataset): Promise<number> =>
  transaction(on, async (connection) => {
    const { current_version: current } = await lockDataset(connection, id);
    const kept = await select<{ number: number }>(
      connection,
      sql`select number from data_version where dataset = ${id} order by number desc limit ${keep}`,
    );
    return run(
      connection,
      sql`update data_version set purged_at = utc_timestamp(3)
           where dataset = ${id} and purged_at is null and number <> ${current ?? 0}
             and number not in (${kept.map(({ number }) => number)})
             and coalesce(read_at, '2000-01-01') < utc_timestamp(3) - interval 1 hour`,
    );
  });

/** Finds data files whose rows are stored but needed by no version. */
const withoutVersion = ({ sql: on }: App) =>
  select<{ id: number }>(
    on,
    sql`select file.id from operations_datafile_registry file
         where exists (select 1 from data_row where data_row.datafile = file.id) and ${isUnused}
         limit 100`,
  );
