// Verifies a backup without a database: reads, decrypts and unpacks every file, and checks the checksum and the
// number of rows of each file.
import { Invalid } from '../problems.ts';
import { below } from '../storage/below.ts';
import { hasImage } from '../storage/images.ts';
import { documentsIn } from './documents.ts';
import { imagesBelow, type BackupFile, type Manifest } from './manifest.ts';
import { contentOf, type Source } from './read.ts';
import { statementsIn } from './statements.ts';

export type Verified = { files: number; rows: number; bytes: number };

/**
 * Reads every file of a backup, and checks that every image exists.
 * @throws Invalid with the name of the first file that is damaged or missing
 */
export async function verifyBackup(source: Source, manifest: Manifest): Promise<Verified> {
  const verified: Verified = { files: 0, rows: 0, bytes: 0 };
  for (const file of manifest.files) {
    const rows = await rowsIn(source, manifest, file);
    if (rows !== file.rows) {
      const message = `${file.name} has ${rows} rows, and the manifest says ${file.rows}. Use another backup.`;
      throw new Invalid({ file: message });
    }
    verified.files += 1;
    verified.rows += rows;
    verified.bytes += file.bytes;
  }
  const images = below(source.store, imagesBelow(manifest.client));
  for (const image of manifest.images) {
    if (!(await hasImage(images, image))) {
      throw new Invalid({ image: `The image ${image} is missing in the backups.` });
    }
  }
  return verified;
}

async function rowsIn(source: Source, manifest: Manifest, file: BackupFile): Promise<number> {
  const content = contentOf(source, manifest, file);
  let rows = 0;
  if (file.store === 'mongo') {
    for await (const batch of documentsIn(content)) rows += batch.length;
  } else {
    for await (const statement of statementsIn(content, file.of)) rows += statement.rows;
  }
  return rows;
}
