// Object storage: content stored under keys, in a folder or in an S3 bucket. Both behave the same
// (test/storage/objects.test.ts runs one table of tests against both).
import { Readable } from 'node:stream';

export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** What was stored: the size in bytes, and the SHA-256 in hexadecimal. */
export type Stored = { size: number; checksum: string };

export type StoredObject = { key: string; size: number; modifiedAt: Date };

export type PutOptions = {
  /** A signal that aborts the upload; nothing of it is kept. */
  signal?: AbortSignal;
  /** The expected size in bytes, needed above 80 GB: S3 accepts at most 10,000 parts per object. */
  expectedSize?: number;
};

/**
 * A key is a path such as `backups/2026-11-26/rows.sql.gz`: no part of it is empty or begins with a dot, and no key
 * is the folder of another. Errors of the store (unreachable, denied, no such bucket) are thrown as Unavailable; an
 * object counts as absent only if the store is sure.
 */
export type Objects = {
  /** Stores a whole object, in place of one with the same key; after any failure nothing is stored. */
  put(key: string, content: Content, options?: PutOptions): Promise<Stored>;
  /**
   * Stores an object only if its key is free; otherwise returns null. If the answer was lost, the key may have been
   * taken by this very call: to use it as a lock, write the holder into the content and read it back.
   */
  putIfAbsent(key: string, content: Content, options?: PutOptions): Promise<Stored | null>;
  /**
   * Opens an object for reading.
   * @throws NotFound when there is none with that key
   */
  read(key: string): Promise<Readable>;
  find(key: string): Promise<StoredObject | null>;
  /**
   * Yields the objects whose key begins with `prefix`, in the order of their keys (by bytes of UTF-8); `after`: from
   * the next key on.
   */
  list(prefix: string, options?: { after?: string }): AsyncIterable<StoredObject>;
  /** Deletes an object; deleting an absent one succeeds, too. */
  delete(key: string): Promise<void>;
  /** Removes the remains of uploads whose process was killed; returns how many. */
  removeUnfinished(startedBefore: Date): Promise<number>;
  close(): void;
};
