// Reads and writes the manifest of a backup, which lists its files. The manifest is written last, so a backup without
// a manifest is incomplete.
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { Invalid, NotFound } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);

const file = z.object({
  /** The path of the file within the folder of its backup. */
  name: z.string().regex(/^[\w.-]+$/),
  /** The table or collection that the file contains. */
  of: z.string(),
  store: z.enum(['mysql', 'mongo']),
  rows: count,
  /**
   * The size in bytes and the SHA-256 of the stored file, which is compressed, and encrypted if the
   * backup is encrypted.
   */
  bytes: count,
  checksum: digest,
  /** The size in bytes and the SHA-256 of the content before compression and encryption. */
  plainBytes: count,
  plainChecksum: digest,
});
export type BackupFile = z.infer<typeof file>;

const manifest = z.object({
  format: z.literal(1),
  client: z.string(),
  /** The id of the backup: the time it was started, `2026-11-26T02-00-00Z`. */
  time: z.string(),
  /**
   * The point in time of the data: the last timestamp that Oneway had assigned when both databases
   * were read.
   */
  instant: z.iso.datetime(),
  version: z.string(),
  /** The migrations of the databases, in the order in which they were applied. */
  migrations: z.array(z.string()),
  /** The next id of each entity. A restore raises the id sequence of the entity to it. */
  nextIds: z.record(z.string(), count),
  isEncrypted: z.boolean(),
  files: z.array(file),
  /** The names of the images that the rows refer to. */
  images: z.array(z.string()),
  /** Columns that were added by other programs and are left out of the backup. */
  columnsLeftOut: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifest>;

/** Adds up one number, such as `rows`, over all files of a backup. */
export const totalOf = (
  { files }: Pick<Manifest, 'files'>,
  of: 'rows' | 'bytes' | 'plainBytes',
): number => files.reduce((total, one) => total + one[of], 0);

export type BackupId = { client: string; time: string };

const TIME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/;

export const timeOf = (date: Date) => `${date.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
export const instantOf = (time: string) =>
  new Date(time.replace(/T(\d\d)-(\d\d)-(\d\d)Z$/, 'T$1:$2:$3Z'));

export const folderOf = ({ client, time }: BackupId) => `${client}/${time}/`;
/**
 * Images are named by the hash of their content, so all backups of a client share one folder of
 * images.
 */
export const imagesBelow = (client: string) => `${client}/objects/`;
export const manifestKey = (id: BackupId) => `${folderOf(id)}manifest.json`;

/**
 * Writes the manifest. Returns false when a manifest exists already, because another backup began
 * in the same second.
 */
export const writeManifest = async (store: Objects, content: Manifest): Promise<boolean> =>
  (await store.putIfAbsent(manifestKey(content), Buffer.from(JSON.stringify(content, null, 2)))) !==
  null;

/**
 * Reads the manifest of a backup.
 * @throws NotFound when there is no complete backup of that time
 * @throws Invalid when the manifest is damaged or belongs to another backup
 */
export async function readManifest(store: Objects, id: BackupId): Promise<Manifest> {
  if (!TIME.test(id.time)) {
    throw new NotFound(`“${id.time}” is not the time of a backup, such as 2026-11-26T02-00-00Z.`);
  }
  const written = await text(await store.read(manifestKey(id)));
  const parsed = manifest.safeParse(jsonIn(written));
  if (parsed.success && parsed.data.client === id.client && parsed.data.time === id.time) {
    return parsed.data;
  }
  const message = `The manifest of the backup ${folderOf(id)} is damaged. Use another backup: “oneway backup list”.`;
  throw new Invalid({ manifest: message });
}

function jsonIn(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return null;
  }
}

/** Lists the clients that have complete backups in the backup store. */
export async function clientsIn(store: Objects): Promise<string[]> {
  const clients = new Set<string>();
  for await (const { key } of store.list('')) {
    const [client = '', time = '', name] = key.split('/');
    if (name === 'manifest.json' && TIME.test(time)) clients.add(client);
  }
  return [...clients].toSorted();
}

/** Lists the times at which the complete backups of a client began, newest first. */
export async function timesOf(store: Objects, client: string): Promise<string[]> {
  const times: string[] = [];
  for await (const { key } of store.list(`${client}/`)) {
    const [, time = '', name] = key.split('/');
    if (name === 'manifest.json' && TIME.test(time)) times.push(time);
  }
  return times.toReversed();
}
