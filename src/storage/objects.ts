// Object storage: content under keys, in a folder or in an S3 bucket. Both keep the same promises
// (test/storage/objects.test.ts runs one table of tests against both).
import { Readable } from 'node:stream';

export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** What was stored: its size in bytes and its SHA-256 in hexadecimal. */
export type Stored = { size: number; checksum: string };

export type StoredObject = { key: string; size: number; modifiedAt: Date };

export type PutOptions = {
  /** Stops the upload; nothing of it stays. */
  signal?: AbortSignal;
  /** In bytes, for a stream that may be larger than 80 GB: S3 takes 10,000 parts of an object. */
  expectedSize?: number;
};

/**
 * A key is a path such as `backups/2026-11-26/rows.sql.gz`: no part of it is empty or begins with a dot, and no key lies
 * below another. Trouble with the store (unreachable, denied, no such bucket) is thrown as Unavailable; only an object
 * that is surely not there is absent.
 */
export type Objects = {
  /** Stores a whole object or, after any failure, nothing; an object of that key is replaced. */
  put(key: string, content: Content, options?: PutOptions): Promise<Stored>;
  /**
   * The same, but null when there is an object of that key. After a lost answer it may be our own: for a lock, write who
   * holds it into the content and read it back.
   */
  putIfAbsent(key: string, content: Content, options?: PutOptions): Promise<Stored | null>;
  /** @throws NotFound */
  read(key: string): Promise<Readable>;
  find(key: string): Promise<StoredObject | null>;
  /** In order of key (by bytes of UTF-8), read page by page; `after` goes on behind a key. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<StoredObject>;
  /** Of an absent object, too. */
  delete(key: string): Promise<void>;
  /** Removes what uploads left behind whose process was killed; answers how many. */
  removeUnfinished(startedBefore: Date): Promise<number>;
  close(): void;
};
