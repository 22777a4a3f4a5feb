// Deletes rows that no version needs any more. Stored files stay, so that a file can always be loaded again.
import { failpoint } from '../database/failpoints.ts';
import { first, run, select, sql, transaction, type Statement } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Dataset } from './datasets.ts';
import { lockDataset } from './versions.ts';

/** How many rows a statement deletes: larger ones hold up those of other programs. */
const CHUNK = 5000;

/** A data file that is neither in a version nor being loaded. */
const isUnused = sql`file.state <> 'processing' and not exists (
  select 1 from data_version_file used
    join data_version version on version.dataset = used.dataset and version.number = used.version
   where used.datafile = file.id and version.purged_at is null)`;

/** Deletes what an earlier load stored of a data file that is about to be loaded from its first line. */
export const purgeBeforeLoad = (here: App, datafile: number) =>
  purgeRows(here, datafile, sql`file.state = 'processing' and file.loaded_line = 0`);

/** Deletes the rows of a data file that nothing needs; one that is loaded again meanwhile keeps them. */
export const purgeUnused = (here: App, datafile: number) => purgeRows(here, datafile, isUnused);

/**
 * Deletes the rows and rejects of a data file, as long as the condition holds. Each commit of a load changes the line of
 * the registry, so the lock on it keeps out a load that begins meanwhile, or a worker that was only thought to be dead.
 */
async function purgeRows({ sql: on }: App, datafile: number, condition: Statement): Promise<void> {
  let deleted = CHUNK;
  while (deleted === CHUNK) {
    deleted = await transaction(on, async (connection) => {
      // The lock comes in a statement of its own: the condition then sees all that was committed before it.
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

/** Deletes the versions that a dataset does not keep, and rows of data files that are in no version; as a chore. */
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
 * Marks the versions beyond those that are kept; one that a client read within the last hour stays, so that the client
 * reaches its end.
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

/** Data files with rows that nobody needs. */
const withoutVersion = ({ sql: on }: App) =>
  select<{ id: number }>(
    on,
    sql`select file.id from operations_datafile_registry file
         where exists (select 1 from data_row where data_row.datafile = file.id) and ${isUnused}
         limit 100`,
  );
