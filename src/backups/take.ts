// Takes a backup: every table and collection of the catalogue, at one point in time of both databases.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import { catalogTables } from '../catalog/tables.ts';
import { first, name, select, snapshot, sql } from '../database/sql.ts';
import { failpoint } from '../database/failpoints.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, Unavailable } from '../problems.ts';
import { below } from '../storage/below.ts';
import { copyImage, hasImage } from '../storage/images.ts';
import type { Content, Objects } from '../storage/objects.ts';
import { shownImages } from '../storage/image-names.ts';
import { readVersion } from '../version/metadata.ts';
import { dumpDocuments, metadataOf, type Written } from './documents.ts';
import {
  folderOf,
  imagesBelow,
  manifestKey,
  timeOf,
  writeManifest,
  type BackupFile,
  type BackupId,
  type Manifest,
} from './manifest.ts';
import { disturbance, momentOf } from './moment.ts';
import { pack } from './pack.ts';
import { removeFiles } from './retention.ts';
import { catalogueColumns, dumpTable, STATE_TABLE } from './tables.ts';

export type Take = {
  store: Objects;
  client: string;
  /**
   * The public key (`age1…`) that age encrypts the backup with; null when the backup is not
   * encrypted.
   */
  recipient: string | null;
  onProgress?: (progress: { done: number; total: number; doing: string }) => Promise<void>;
};

/**
 * A backup reads the databases at most this many times. A backup starts again if MongoDB documents were written while
 * it was reading.
 */
const TRIES = 5;
const PAUSE_MS = 2000;

/**
 * Takes a backup and returns its manifest (the list of its files). A backup that fails leaves no files.
 * @throws Unavailable when MongoDB documents are being written all the time, or a server does not answer
 */
export async function takeBackup(here: Environment, take: Take): Promise<Manifest> {
  const version = await readVersion(here.documents);
  if (!version || version.isUpdating) {
    throw new Unavailable('The database is being updated. Take the backup when that is over.');
  }
  // Claiming the folder is the first request to the backup store. Do it before the databases are
  // read, so that a store that does not answer, denies access or is missing is noticed early.
  const id = await claimFolder(take);
  const { time } = id;
  try {
    for (let tries = 1; ; tries += 1) {
      const taken = await attempt(here, take, folderOf(id));
      if (typeof taken !== 'string') {
        const images = await copyImages(here, take, taken.images);
        const content: Manifest = {
          format: 1,
          ...id,
          version: version.databaseVersion,
          isEncrypted: take.recipient !== null,
          ...taken,
          images,
        };
        if (await writeManifest(take.store, content)) {
          await take.store.delete(claimOf(id)).catch(() => {});
          return content;
        }
        throw new Conflict(`Another backup was begun at ${time}. Try again.`);
      }
      if (tries === TRIES) {
        throw new Unavailable(
          `The documents were written while they were read, ${TRIES} times: ${taken}. The backup is tried again later.`,
        );
      }
      await sleep(PAUSE_MS);
    }
  } catch (error) {
    if (!(error instanceof Conflict)) await removeFiles(take.store, folderOf(id)).catch(() => {});
    throw error;
  }
}

const claimOf = (id: BackupId) => `${folderOf(id)}begun`;
const SECOND = 1000;

/**
 * Claims a folder for one backup, so that two backups that begin in the same second do not
 * overwrite each other.
 */
async function claimFolder({ store, client }: Take): Promise<BackupId> {
  for (;;) {
    const id = { client, time: timeOf(new Date()) };
    const isTaken = (await store.find(manifestKey(id))) !== null;
    if (!isTaken && (await store.putIfAbsent(claimOf(id), Buffer.from(id.time))) !== null) {
      // Another backup of the same second may have ended just now. Such a backup has removed its
      // claim on the folder, but its manifest exists.
      if ((await store.find(manifestKey(id))) === null) return id;
    }
    await sleep(SECOND - (Date.now() % SECOND));
  }
}

type Taken = Omit<Manifest, 'format' | 'client' | 'time' | 'version' | 'isEncrypted'>;

/**
 * Reads both databases once and stores their content. If the contents of the two databases are not
 * from one point in time, returns the reason.
 */
const attempt = (here: Environment, take: Take, folder: string): Promise<Taken | string> =>
  snapshot(here.sql, async (on) => {
    const moment = await momentOf(on);
    if (typeof moment === 'string') return moment;
    const { mysql, mongo } = catalogTables();
    const total = mysql.length + mongo.length + 1;
    const files: BackupFile[] = [];
    const begin = (doing: string) =>
      take.onProgress?.({ done: files.length, total, doing }) ?? Promise.resolve();

    const later: Written[] = [];
    for (const of of mongo) {
      await begin(of);
      const dump = dumpDocuments(here.documents, of, moment.instant);
      const file = { name: `${of}.bson`, of, store: 'mongo' as const };
      files.push({ ...(await storeFile(take, folder, file, dump.parts)), rows: dump.rows() });
      await storeText(take, `${folder}${of}.metadata.json`, await metadataOf(here.documents, of));
      later.push(...dump.later);
    }
    const why = await disturbance(here, on, moment, later);
    if (why !== null) return why;

    const columnsLeftOut: string[] = [];
    for (const [of, columns] of [...catalogueColumns(), [STATE_TABLE, null] as const]) {
      await begin(of);
      const dump = await dumpTable(on, of, columns);
      const file = { name: `${of}.sql`, of, store: 'mysql' as const };
      files.push({ ...(await storeFile(take, folder, file, dump.parts)), rows: dump.rows() });
      columnsLeftOut.push(...dump.columnsLeftOut);
    }
    await storeText(take, `${folder}schema.sql`, await schemaOf(on, [...mysql, STATE_TABLE]));
    return {
      instant: moment.instant,
      ...(await factsOf(on)),
      files,
      images: await shownImages({ sql: on, documents: here.documents }),
      columnsLeftOut,
    };
  });

async function storeFile(
  { store, recipient }: Take,
  folder: string,
  { name: plainName, of, store: kind }: Pick<BackupFile, 'name' | 'of' | 'store'>,
  content: AsyncIterable<Uint8Array>,
): Promise<Omit<BackupFile, 'rows'>> {
  const named = `${plainName}.zst${recipient === null ? '' : '.age'}`;
  const { parts, plain } = pack(content, recipient);
  const { size, checksum } = await store.put(folder + named, parts);
  await failpoint('backup file stored');
  const { bytes, checksum: plainChecksum } = plain();
  return {
    name: named,
    of,
    store: kind,
    bytes: size,
    checksum,
    plainBytes: bytes,
    plainChecksum,
  };
}

const storeText = ({ store }: Take, key: string, text: string) =>
  store.put(key, Buffer.from(text) as Content);

/**
 * Returns the CREATE statements of the tables, for people who restore a backup by hand. Oneway
 * itself creates tables with its migrations.
 */
async function schemaOf(on: PoolConnection, tables: string[]): Promise<string> {
  const statements: string[] = [];
  for (const table of tables) {
    const line = await first<Record<string, string>>(on, sql`show create table ${name(table)}`);
    statements.push(`${line?.['Create Table'] ?? ''};\n`);
  }
  return statements.join('\n');
}

async function factsOf(on: PoolConnection): Promise<Pick<Manifest, 'migrations' | 'nextIds'>> {
  const migrations = await select<{ name: string }>(
    on,
    sql`select name from migration order by applied_at, name`,
  );
  const ids = await select<{ entity: string; next: number }>(
    on,
    sql`select entity, next from id_sequence order by entity`,
  );
  return {
    migrations: migrations.map((one) => one.name),
    nextIds: Object.fromEntries(ids.map(({ entity, next }) => [entity, next])),
  };
}

/**
 * Copies images to the backup store, where all backups of a client share them. Returns the names of
 * the images that were found.
 */
async function copyImages(here: Environment, take: Take, images: string[]): Promise<string[]> {
  const kept = below(take.store, imagesBelow(take.client));
  const copied: string[] = [];
  for (const image of images) {
    const isThere = (await hasImage(kept, image)) || (await copyImage(here.storage, kept, image));
    if (isThere) copied.push(image);
  }
  return copied;
}
