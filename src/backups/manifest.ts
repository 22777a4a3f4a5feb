// What a backup consists of. The manifest is written last, so a backup without one was never completed.
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { Invalid, NotFound } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);

const file = z.object({
  /** Below the folder of the backup. */
  name: z.string().regex(/^[\w.-]+$/),
  /** The table or collection whose rows it has. */
  of: z.string(),
  store: z.enum(['mysql', 'mongo']),
  rows: count,
  /** As stored: compressed, and encrypted if the backup is. */
  bytes: count,
  checksum: digest,
  /** Of its content before compression and encryption. */
  plainBytes: count,
  plainChecksum: digest,
});
export type BackupFile = z.infer<typeof file>;

const manifest = z.object({
  format: z.literal(1),
  client: z.string(),
  /** The id of the backup: when it was begun, `2026-11-26T02-00-00Z`. */
  time: z.string(),
  /** The moment that both databases are of: the last instant that was drawn by then. */
  instant: z.iso.datetime(),
  version: z.string(),
  /** Migrations of the databases, in the order in which they are applied. */
  migrations: z.array(z.string()),
  /** The next id of each entity. */
  nextIds: z.record(z.string(), count),
  isEncrypted: z.boolean(),
  files: z.array(file),
  /** Names of the images that the rows show. */
  images: z.array(z.string()),
  /** Columns that other programs added: they are not part of a backup. */
  columnsLeftOut: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifest>;

export type BackupId = { client: string; time: string };

const TIME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/;

export const timeOf = (date: Date) => `${date.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
export const instantOf = (time: string) =>
  new Date(time.replace(/T(\d\d)-(\d\d)-(\d\d)Z$/, 'T$1:$2:$3Z'));

export const folderOf = ({ client, time }: BackupId) => `${client}/${time}/`;
/** Images are named by their content, so all backups of a client share them. */
export const imagesBelow = (client: string) => `${client}/objects/`;
const keyOf = (id: BackupId) => `${folderOf(id)}manifest.json`;

/** Answers false when there is one already: two backups began within the same second. */
export const writeManifest = async (store: Objects, content: Manifest): Promise<boolean> =>
  (await store.putIfAbsent(keyOf(content), Buffer.from(JSON.stringify(content, null, 2)))) !== null;

/**
 * @throws NotFound when there is no complete backup of that time
 * @throws Invalid when the manifest was not written by this program
 */
export async function readManifest(store: Objects, id: BackupId): Promise<Manifest> {
  if (!TIME.test(id.time)) {
    throw new NotFound(`“${id.time}” is not the time of a backup, such as 2026-11-26T02-00-00Z.`);
  }
  const written = await text(await store.read(keyOf(id)));
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

/** Times of the complete backups of a client, the newest first. */
export async function timesOf(store: Objects, client: string): Promise<string[]> {
  const times: string[] = [];
  for await (const { key } of store.list(`${client}/`)) {
    const [, time = '', name] = key.split('/');
    if (name === 'manifest.json' && TIME.test(time)) times.push(time);
  }
  return times.toReversed();
}
