// The interface of object storage: content is stored under keys, in a folder or in an S3 bucket. A folder and a bucket
// behave alike: test/storage/objects.test.ts runs the same tests with each.
import { Readable } from 'node:stream';

export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** The result of storing an object: its size in bytes, and its SHA-256 in hexadecimal. */
export type Stored = { size: number; checksum: string };

export type StoredObject = { key: string; size: number; modifiedAt: Date };

export type PutOptions = {
  /** A signal that aborts the upload. Nothing is stored after an abort. */
  signal?: AbortSignal;
  /**
   * The expected size in bytes. It is needed above 80 GB, because S3 accepts at most 10,000 parts
   * per object and the parts must be larger then.
   */
  expectedSize?: number;
};

/**
 * A key is a path such as `backups/2026-11-26/rows.sql.gz`. No segment of a key is empty or begins
 * with a dot, and no key is the folder of another key. Errors of the store, such as denied access
 * or a missing bucket, are thrown as Unavailable. An object counts as absent only if the store says
 * so.
 */
export type Objects = {
  /**
   * Stores an object, or replaces the object with the same key. After a failure, nothing is stored
   * or replaced.
   */
  put(key: string, content: Content, options?: PutOptions): Promise<Stored>;
  /**
   * Stores an object only if its key is free; otherwise returns null. Null may also mean that this call has stored the
   * object and only the answer was lost. So a program that uses an object as a lock must write its own name into the
   * content, and read the content back.
   */
  putIfAbsent(key: string, content: Content, options?: PutOptions): Promise<Stored | null>;
  /**
   * Opens an object for reading.
   * @throws NotFound if there is no object with that key
   */
  read(key: string): Promise<Readable>;
  find(key: string): Promise<StoredObject | null>;
  /**
   * Yields the objects whose key begins with `prefix`, sorted by the UTF-8 bytes of their keys.
   * With `after`, begins at the next key after it.
   */
  list(prefix: string, options?: { after?: string }): AsyncIterable<StoredObject>;
  /** Deletes an object. Deleting an absent object succeeds, too. */
  delete(key: string): Promise<void>;
  /** Removes the parts of uploads whose process was killed; returns how many uploads were removed. */
  removeUnfinished(startedBefore: Date): Promise<number>;
  close(): void;
};
