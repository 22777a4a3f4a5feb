// Loads a backup into databases that have all tables and collections, but no rows.
import { catalogTables } from '../catalog/tables.ts';
import { ahead } from '../database/read-ahead.ts';
import { first, name, run, runText, sql, Statement, toSqlInstant } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { raiseIds } from '../environments/ids.ts';
import { Invalid } from '../problems.ts';
import { settleAll } from '../settle-all.ts';
import { below } from '../storage/below.ts';
import { copyImage } from '../storage/images.ts';
import { documentsIn, insertDocuments } from './documents.ts';
import { imagesBelow, type BackupFile, type Manifest } from './manifest.ts';
import { contentOf, type Source } from './read.ts';
import { statementsIn } from './statements.ts';
import { STATE_TABLE } from './tables.ts';

/** Called after each batch with the number of rows in it, to report progress. */
export type OnRows = (rows: number) => Promise<void> | void;

/**
 * Loads the rows and documents of a backup.
 * @throws Invalid when a file was altered since the backup, or contains a table outside the
 * catalogue
 */
export async function loadBackup(
  source: Source,
  manifest: Manifest,
  into: Environment,
  onRows: OnRows = () => {},
) {
  refuseUnknown(manifest);
  const of = (store: BackupFile['store']) => manifest.files.filter((file) => file.store === store);
  await settleAll([
    loadTables(source, manifest, of('mysql'), into, onRows),
    loadCollections(source, manifest, of('mongo'), into, onRows),
  ]);
  await continueAfter(into, manifest);
  const images = below(source.store, imagesBelow(manifest.client));
  for (const image of manifest.images) await copyImage(images, into.storage, image);
}

function refuseUnknown({ files }: Manifest) {
  const { mysql, mongo } = catalogTables();
  const known = { mysql: [...mysql, STATE_TABLE], mongo };
  const unknown = files.find((file) => !known[file.store].includes(file.of));
  if (!unknown) return;
  const message = `The backup has rows of ${unknown.of}, which is not part of the catalogue. Use a backup of this version of the program.`;
  throw new Invalid({ file: message });
}

async function loadTables(
  source: Source,
  manifest: Manifest,
  files: BackupFile[],
  into: Environment,
  onRows: OnRows,
) {
  const connection = await into.writers.getConnection();
  try {
    for (const file of files) {
      for await (const { text, rows } of ahead(
        statementsIn(contentOf(source, manifest, file), file.of),
      )) {
        // One INSERT statement has up to 1,000 rows, so the log shows the statement without its rows.
        const shown = new Statement(`INSERT INTO ${name(file.of).text} (…) VALUES (…)`, []);
        await runText(connection, shown, text);
        await onRows(rows);
      }
      const line = await first<{ count: number }>(
        connection,
        sql`select count(*) as count from ${name(file.of)}`,
      );
      refuseOtherCount(file, Number(line?.count));
    }
  } finally {
    connection.release();
  }
}

/**
 * Raises the id sequences and the last assigned timestamp (table `clock`) to their values in the backup, so that ids
 * and timestamps assigned later are higher than those of the restored rows.
 */
async function continueAfter(into: Environment, { nextIds, instant }: Manifest) {
  for (const [entity, next] of Object.entries(nextIds)) await raiseIds(into, entity, [next - 1]);
  const at = toSqlInstant(instant);
  await run(
    into.sql,
    sql`update clock set instant = greatest(instant, ${at}) where name = 'clock'`,
  );
}

async function loadCollections(
  source: Source,
  manifest: Manifest,
  files: BackupFile[],
  into: Environment,
  onRows: OnRows,
) {
  for (const file of files) {
    const collection = into.documents.collection(file.of);
    for await (const batch of ahead(documentsIn(contentOf(source, manifest, file)))) {
      await insertDocuments(collection, batch);
      await onRows(batch.length);
    }
    refuseOtherCount(file, await collection.countDocuments({}));
  }
}

function refuseOtherCount(file: BackupFile, count: number) {
  if (count === file.rows) return;
  const message = `${file.of} has ${count} rows after loading, and the backup has ${file.rows}. Use another backup.`;
  throw new Invalid({ file: message });
}
