// Checks that loading a backup changed nothing: dumps every table and collection of the loaded databases again, and
// compares each checksum with the backup.
import { createHash } from 'node:crypto';
import type { Environment } from '../environments/environment.ts';
import { Invalid } from '../problems.ts';
import { dumpDocuments } from './documents.ts';
import type { BackupFile, Manifest } from './manifest.ts';
import { catalogueColumns, dumpTable, STATE_TABLE } from './tables.ts';

/**
 * Compares loaded databases with their backup.
 * @throws Invalid with the name of the first table or collection whose content differs
 */
export async function compareWithBackup(loaded: Environment, manifest: Manifest): Promise<void> {
  const connection = await loaded.sql.getConnection();
  try {
    const columns = new Map([...catalogueColumns(), [STATE_TABLE, null] as const]);
    for (const file of manifest.files) {
      const parts =
        file.store === 'mongo'
          ? dumpDocuments(loaded.documents, file.of, manifest.instant).parts
          : (await dumpTable(connection, file.of, columns.get(file.of) ?? null)).parts;
      await refuseOther(file, parts);
    }
  } finally {
    connection.release();
  }
}

async function refuseOther({ of, plainChecksum }: BackupFile, parts: AsyncIterable<Uint8Array>) {
  const digest = createHash('sha256');
  for await (const part of parts) digest.update(part);
  if (digest.digest('hex') === plainChecksum) return;
  const message = `After loading the backup, ${of} is not what was backed up. Do not rely on this backup; take another one, and tell an engineer.`;
  throw new Invalid({ [of]: message });
}
