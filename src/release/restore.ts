// The command `oneway backup restore`: restores a backup into the empty databases of an environment.
import { loadBackup, type OnRows } from '../backups/load.ts';
import type { Manifest } from '../backups/manifest.ts';
import type { Source } from '../backups/read.ts';
import { catalog } from '../catalog/index.ts';
import { available, migrate } from '../database/migrate.ts';
import { first, sql } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict } from '../problems.ts';
import { countRows } from '../rows/store.ts';
import { setUpdating, upgrade } from './upgrade.ts';

export type Restore = {
  here: App;
  source: Source;
  manifest: Manifest;
  say: (line: string) => void;
  onRows?: OnRows;
  /**
   * Called when all rows of the backup are loaded, before the databases are upgraded to the version of this program.
   */
  afterLoad?: () => Promise<void>;
  /**
   * For how many milliseconds other processes may still use a cached value of `isUpdating`, the flag that closes the
   * databases to all users.
   */
  ttlMs?: number;
};

/**
 * Restores a backup into the empty databases of this environment, and upgrades them to the version of this program.
 * @throws Conflict when the environment already has rows, or a newer program made the backup
 */
export async function restore(restoring: Restore) {
  const { here, source, manifest, say, onRows, afterLoad, ...how } = restoring;
  await refuseNewer(manifest);
  await refuseRows(here);
  await setUpdating(here, manifest.version);
  const shape = manifest.migrations.filter((name) => !name.startsWith('mongo/'));
  await migrate(here.sql, here.documents, { names: shape });
  await loadBackup(source, manifest, here, onRows);
  await afterLoad?.();
  // The upgrade applies all migrations of MongoDB, and those of MySQL that are newer than the backup. They come after
  // the rows, because an index is built faster when the documents exist already.
  return upgrade({ here, say, ...how });
}

/**
 * Lists the migrations of a backup that this program lacks, because a newer program made the
 * backup.
 */
export async function migrationsUnknown({ migrations }: Manifest): Promise<string[]> {
  const known = await available();
  return migrations.filter((name) => !known.includes(name));
}

async function refuseNewer(manifest: Manifest) {
  const unknown = await migrationsUnknown(manifest);
  if (unknown.length === 0) return;
  throw new Conflict(
    `The backup is of version ${manifest.version}, which has migrations that this program lacks: ${unknown.join(', ')}. Restore it with the program of that version.`,
  );
}

async function refuseRows(here: App) {
  const table = await first(
    here.sql,
    sql`select 1 from information_schema.tables
         where table_schema = database() and table_name = 'id_sequence'`,
  );
  const counts = table ? await Promise.all(catalog.map((entity) => countRows(here, entity))) : [];
  if (counts.every((count) => count === 0)) return;
  throw new Conflict(
    'This environment has rows. A backup is restored into new, empty databases: create them, and set SQL_DB_NAME and NOSQL_DB_NAME to them.',
  );
}
