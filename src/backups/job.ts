// The backup job: takes a backup, reads it again to verify it, and deletes outdated backups.
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Work } from '../jobs/task.ts';
import { Problem } from '../problems.ts';
import { openObjects } from '../storage/open.ts';
import type { Objects } from '../storage/objects.ts';
import { bytes, plural } from '../web/format.ts';
import { totalOf } from './manifest.ts';
import { applyRetention } from './retention.ts';
import { takeBackup } from './take.ts';
import { verifyBackup } from './verify.ts';

/**
 * The kind of a backup job. The kind is also the job’s `onlyOne` key: only one job with this key, and thus one backup,
 * is active at a time.
 */
export const BACKUP = 'backup';

export const requestBackup = (here: App, person: string) => {
  clientOf(here);
  return jobs.request(here.sql, {
    kind: BACKUP,
    name: 'Backup',
    person,
    input: {},
    onlyOne: BACKUP,
  });
};

export type BackupReport = {
  client: string;
  time: string;
  rows: number;
  /** The size of the stored backup in bytes. */
  bytes: number;
  isEncrypted: boolean;
  /**
   * Whether the job read the backup again and verified it. An encrypted backup cannot be verified
   * without its private key.
   */
  isVerified: boolean;
  columnsLeftOut: string[];
  removed: string[];
};

export const runBackup = ({ here, report }: Work): Promise<BackupReport> =>
  withBackups(here, async (store) => {
    const client = clientOf(here);
    const { recipient, identity } = here.settings.backups;
    const manifest = await takeBackup(here, { store, client, recipient, onProgress: report });
    const isVerified = !manifest.isEncrypted || identity !== null;
    if (isVerified) await verifyBackup({ store, identity }, manifest);
    return {
      client,
      time: manifest.time,
      rows: totalOf(manifest, 'rows'),
      bytes: totalOf(manifest, 'bytes'),
      isEncrypted: manifest.isEncrypted,
      isVerified,
      columnsLeftOut: manifest.columnsLeftOut,
      removed: await applyRetention(store, client),
    };
  });

/** Formats the report of a backup job for the page of the job. */
export const reportLocals = (report: object) => {
  const { rows, bytes: size, ...rest } = report as BackupReport;
  return { ...rest, rows: plural(rows, { one: 'row', many: 'rows' }), size: bytes(size) };
};

/**
 * Returns the client (company) whose databases this program backs up.
 * @throws Problem 422 when the settings name no client
 */
export function clientOf({ settings }: App): string {
  const { client } = settings.backups;
  if (client !== null) return client;
  throw new Problem(422, 'No backups are made here. Set BACKUPS_CLIENT and BACKUPS_URL.');
}

/** Opens the backup store and runs `work` with it. */
export async function withBackups<T>(here: App, work: (store: Objects) => Promise<T>): Promise<T> {
  const { store: address } = here.settings.backups;
  if (!address) {
    throw new Problem(422, 'It is not known where backups are kept. Set BACKUPS_URL.');
  }
  const store = openObjects(address);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
