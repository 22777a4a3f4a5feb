// Reads files of a backup, and verifies their checksums while reading.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Invalid, NotFound, Problem } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';
import { folderOf, type BackupFile, type Manifest } from './manifest.ts';
import { unpack } from './pack.ts';

export type Source = {
  store: Objects;
  /** The private key that decrypts backups (`AGE-SECRET-KEY-…`); null when there is none. */
  identity: string | null;
};

/**
 * Yields the content of a file.
 * @throws Invalid when the file was altered since the backup; the error may come as late as after
 * the last part
 */
export async function* contentOf(
  { store, identity }: Source,
  manifest: Manifest,
  file: BackupFile,
): AsyncGenerator<Uint8Array> {
  if (manifest.isEncrypted && identity === null) throw new Invalid({ identity: noIdentity });
  const key = folderOf(manifest) + file.name;
  const stored = createHash('sha256');
  const packed = Readable.from(hashed(await readOr(store, key), stored));
  const { parts, plain } = unpack(packed, manifest.isEncrypted ? identity : null);
  try {
    yield* parts;
  } catch (error) {
    // A damaged file makes zlib, BSON or age throw a technical error, so that error is replaced. An
    // error of the backup store (a Problem) already tells the user what to do, so it is kept.
    throw error instanceof Problem ? error : damaged(key);
  }
  const { bytes, checksum } = plain();
  const isWhole =
    stored.digest('hex') === file.checksum &&
    checksum === file.plainChecksum &&
    bytes === file.plainBytes;
  if (!isWhole) throw damaged(key);
}

const noIdentity =
  'The backup is encrypted. Set BACKUPS_IDENTITY to the key of its recipient, and try again.';

const damaged = (key: string) =>
  new Invalid({ file: `${key} was altered since the backup was taken. Use another backup.` });

const readOr = (store: Objects, key: string) =>
  store.read(key).catch((error: unknown) => {
    throw error instanceof NotFound
      ? new Invalid({ file: `${key} is missing. Use another backup.` })
      : error;
  });

async function* hashed(parts: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const part of parts) {
    hash.update(part);
    yield part;
  }
}
