import type { Objects } from '../storage/objects.ts';
import { readManifest, timesOf, totalOf } from './manifest.ts';

export type ListedBackup = {
  client: string;
  time: string;
  version: string;
  rows: number;
  /** The stored size of the backup in bytes. */
  bytes: number;
  isEncrypted: boolean;
};

/**
 * Lists the complete backups of a client, newest first; a client is a company whose databases are backed up together.
 */
export async function listBackups(store: Objects, client: string): Promise<ListedBackup[]> {
  const found: ListedBackup[] = [];
  for (const time of await timesOf(store, client)) {
    const manifest = await readManifest(store, { client, time });
    const { version, isEncrypted } = manifest;
    const [rows, bytes] = [totalOf(manifest, 'rows'), totalOf(manifest, 'bytes')];
    found.push({ client, time, version, rows, bytes, isEncrypted });
  }
  return found;
}
