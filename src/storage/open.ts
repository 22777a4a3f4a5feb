// Opens the object storage at an address.
import { createHash } from 'node:crypto';
import type { S3Address, StorageAddress } from './address.ts';
import { folderObjects } from './folder.ts';
import type { Objects } from './objects.ts';

export const openObjects = (address: StorageAddress): Objects =>
  address.kind === 'folder' ? folderObjects(address.path) : s3WhenUsed(address);

/** Reads a stored object completely; returns its SHA-256. */
export async function checksumOf(objects: Objects, key: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of await objects.read(key)) hash.update(part as Uint8Array);
  return hash.digest('hex');
}

/**
 * Opens an S3 bucket at its first use, because loading the SDK takes a quarter of a second and 55
 * MB.
 */
function s3WhenUsed(address: S3Address): Objects {
  let opened: Promise<Objects> | null = null;
  const s3 = () => (opened ??= import('./s3.ts').then(({ s3Objects }) => s3Objects(address)));
  return {
    put: async (...given) => (await s3()).put(...given),
    putIfAbsent: async (...given) => (await s3()).putIfAbsent(...given),
    read: async (key) => (await s3()).read(key),
    find: async (key) => (await s3()).find(key),
    async *list(...given) {
      yield* (await s3()).list(...given);
    },
    delete: async (key) => (await s3()).delete(key),
    removeUnfinished: async (startedBefore) => (await s3()).removeUnfinished(startedBefore),
    close: () => {
      void opened?.then((objects) => objects.close());
    },
  };
}
