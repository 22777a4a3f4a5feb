// Backs up documents as MongoDB stores them: BSON, unchanged, in order of their ids. Other programs such as
// mongorestore and pymongo can read the file.
import type { Collection, Db, Document } from 'mongodb';
import { BSON } from 'mongodb';

/** When a document was last written, in milliseconds since 1970, and which transfer wrote it. */
export type Written = { at: number; transfer: string | null };

export type DocumentDump = {
  parts: AsyncIterable<Uint8Array>;
  rows: () => number;
  /** Documents that were written after the time of the backup. */
  later: Written[];
};

/**
 * The size in bytes of the parts in which documents are compressed. Compressing each document
 * separately takes longer.
 */
const PART = 256 * 1024;

/**
 * Reads every document of a collection as BSON. The result includes stubs, which Oneway stores for
 * one day in place of removed documents.
 */
export function dumpDocuments(documents: Db, name: string, moment: string): DocumentDump {
  const since = Date.parse(moment);
  const later: Written[] = [];
  let rows = 0;
  async function* parts() {
    let part: Buffer[] = [];
    let size = 0;
    const cursor = documents
      .collection(name)
      .find({}, { raw: true, batchSize: 1000 })
      .sort({ _id: 1 });
    for await (const raw of cursor) {
      const bytes = raw as unknown as Buffer;
      rows += 1;
      const written = writtenAt(bytes);
      if (written.at > since) later.push(written);
      part.push(bytes);
      size += bytes.length;
      if (size > PART) {
        yield Buffer.concat(part);
        part = [];
        size = 0;
      }
    }
    if (size > 0) yield Buffer.concat(part);
  }
  return { parts: parts(), rows: () => rows, later };
}

function writtenAt(bytes: Buffer): Written {
  const { modified_at: modified, removed_at: removed, stamp } = BSON.deserialize(bytes);
  const instants = [modified, removed].map((one) => (one instanceof Date ? one.getTime() : 0));
  const transfer = (stamp as { transfer?: unknown } | undefined)?.transfer;
  return { at: Math.max(...instants), transfer: typeof transfer === 'string' ? transfer : null };
}

/** Returns the metadata file as `mongodump` writes it beside the documents. */
export async function metadataOf(documents: Db, name: string): Promise<string> {
  const indexes = await documents
    .collection(name)
    .indexes()
    .catch(() => []);
  return BSON.EJSON.stringify({ options: {}, indexes, collectionName: name, type: 'collection' });
}

/**
 * Reads the documents of a backup file in batches. Numbers keep their BSON types, so that a restore
 * stores them unchanged.
 */
export async function* documentsIn(
  parts: AsyncIterable<Uint8Array>,
  size = 500,
): AsyncGenerator<Document[]> {
  let rest = Buffer.alloc(0);
  let batch: Document[] = [];
  for await (const part of parts) {
    rest = rest.length === 0 ? Buffer.from(part) : Buffer.concat([rest, part]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = rest.readInt32LE(at);
      if (rest.length - at < length) break;
      batch.push(await documentOf(rest.subarray(at, at + length), parts));
      at += length;
      if (batch.length === size) {
        yield batch;
        batch = [];
      }
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw new Error('The file ends within a document');
  if (batch.length > 0) yield batch;
}

/**
 * Parses one document. If the document is damaged, the rest of the file is read before the error is
 * thrown, so that the checksum of the whole file fails with an error that names the file.
 */
async function documentOf(bytes: Buffer, following: AsyncIterable<Uint8Array>): Promise<Document> {
  try {
    return BSON.deserialize(bytes, exactTypes);
  } catch (error) {
    for await (const _part of following);
    throw error;
  }
}

const exactTypes = { promoteLongs: false, promoteValues: false, promoteBuffers: false };

export const insertDocuments = (into: Collection, batch: Document[]) =>
  into.insertMany(batch, { ordered: true });
