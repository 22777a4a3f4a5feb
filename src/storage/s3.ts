// Object storage in an S3 bucket, or in the part of a bucket below a prefix. The server may be Amazon’s or any other
// server with the same protocol.
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Readable } from 'node:stream';
import { inTime, TooLate } from '../in-time.ts';
import { NotFound } from '../problems.ts';
import type { S3Address } from './address.ts';
import { checkedKey } from './keys.ts';
import { checked, measure } from './measure.ts';
import type { Content, Objects, PutOptions, Stored, StoredObject } from './objects.ts';
import { isAbsence, isTaken, troubleWith } from './s3-trouble.ts';

const MEGABYTE = 1024 * 1024;
/** The most parts that S3 accepts for one object. */
const PARTS = 10_000;
const partSize = (expected = 0) => Math.max(8 * MEGABYTE, Math.ceil(expected / (PARTS - 1)));

/**
 * Timeouts in milliseconds: to connect, for the answer about a small object, and for silence within
 * a large object; `memory` is how long a timeout is remembered. Tests shorten them.
 */
export const s3Patience = {
  connection: 5000,
  answer: 5000,
  silence: 120_000,
  memory: 3000,
  attempts: 3,
};

export function s3Objects(address: S3Address): Objects {
  const client = connect(address);
  const { bucket: Bucket, prefix } = address;
  const asTrouble = (error: unknown) => troubleWith(address, error);
  const at = (key: string) => ({ Bucket, Key: `${prefix}${checkedKey(key)}` });
  const attempt = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw asTrouble(error);
    });
  const soon = untilSilent();
  /**
   * Returns the result of `work`, or null if the object does not exist. A missing bucket may cause
   * the same error, so the bucket is looked up then.
   */
  const unlessAbsent = async <T>(work: Promise<T>): Promise<T | null> => {
    try {
      return await work;
    } catch (error) {
      if (!isAbsence(error)) throw asTrouble(error);
      await attempt(
        soon((abortSignal) => client.send(new HeadBucketCommand({ Bucket }), { abortSignal })),
      );
      return null;
    }
  };

  const find = async (key: string): Promise<StoredObject | null> => {
    const head = await unlessAbsent(
      soon((abortSignal) => client.send(new HeadObjectCommand(at(key)), { abortSignal })),
    );
    return (
      head && { key, size: head.ContentLength ?? 0, modifiedAt: head.LastModified ?? LONG_AGO }
    );
  };

  const store = async (
    key: string,
    content: Content,
    options: PutOptions,
    condition: Condition,
  ) => {
    const meter = measure(content, options);
    const upload = new Upload({
      client,
      queueSize: 2,
      partSize: partSize(options.expectedSize),
      params: { ...at(key), ...condition, Body: Readable.from(meter.parts, { objectMode: false }) },
    });
    try {
      await (isSmall(content) ? soon((signal) => doneUnless(signal, upload)) : upload.done());
      return meter.stored();
    } catch (error) {
      if (condition.IfNoneMatch && isTaken(error)) return null;
      throw meter.failure() ?? asTrouble(error);
    } finally {
      meter.end();
    }
  };

  async function* list(from: string, { after = '' } = {}): AsyncGenerator<StoredObject> {
    let token: string | undefined;
    do {
      const question = new ListObjectsV2Command({
        Bucket,
        Prefix: `${prefix}${from}`,
        ...(token ? { ContinuationToken: token } : after && { StartAfter: `${prefix}${after}` }),
      });
      const page = await attempt(soon((abortSignal) => client.send(question, { abortSignal })));
      for (const { Key = '', Size, LastModified } of page.Contents ?? []) {
        // A key that ends with a slash is skipped: some programs create such empty objects to represent folders.
        if (Key.endsWith('/')) continue;
        const key = Key.slice(prefix.length);
        yield { key, size: Size ?? 0, modifiedAt: LastModified ?? LONG_AGO };
      }
      token = page.NextContinuationToken;
    } while (token);
  }

  return {
    put: async (key, content, options = {}) => (await store(key, content, options, {})) as Stored,
    putIfAbsent: async (key, content, options = {}) => {
      // The key is checked first, because a large upload would learn only at its end that the key
      // is taken.
      if (await find(key)) return null;
      return store(key, content, options, { IfNoneMatch: '*' });
    },
    read: async (key) => {
      const answer = await unlessAbsent(
        soon((abortSignal) => client.send(new GetObjectCommand(at(key)), { abortSignal })),
      );
      if (!answer?.Body) throw new NotFound(`There is no object "${key}" in storage.`);
      return checked(answer.Body as Readable, answer.ContentLength, asTrouble);
    },
    find,
    list,
    delete: async (key) => {
      await unlessAbsent(
        soon((abortSignal) => client.send(new DeleteObjectCommand(at(key)), { abortSignal })),
      );
    },
    removeUnfinished: async (startedBefore) => {
      let removed = 0;
      const ask: Ask = (question) =>
        attempt(soon((abortSignal) => client.send(question, { abortSignal })));
      for await (const { Key, UploadId, Initiated } of unfinished(ask, { Bucket, prefix })) {
        if ((Initiated ?? LONG_AGO) >= startedBefore) continue;
        const removal = new AbortMultipartUploadCommand({ Bucket, Key, UploadId });
        await unlessAbsent(soon((abortSignal) => client.send(removal, { abortSignal })));
        removed += 1;
      }
      return removed;
    },
    close: () => client.destroy(),
  };
}

const isSmall = (content: Content) =>
  content instanceof Uint8Array && content.length <= 8 * MEGABYTE;

function doneUnless(signal: AbortSignal, upload: Upload) {
  signal.addEventListener('abort', () => void upload.abort().catch(() => {}));
  return upload.done();
}

/**
 * Returns a function that aborts a request if the store does not answer in time. For a short time
 * after a timeout, other requests fail at once: a page that loads several objects waits only once.
 */
function untilSilent() {
  let silent: { until: number; error: TooLate } | null = null;
  return async <T>(ask: (abort: AbortSignal) => Promise<T>): Promise<T> => {
    if (silent && Date.now() < silent.until) throw silent.error;
    const stop = new AbortController();
    try {
      return await inTime(s3Patience.answer, ask(stop.signal));
    } catch (error) {
      if (error instanceof TooLate) {
        silent = { until: Date.now() + s3Patience.memory, error };
        stop.abort();
      }
      throw error;
    }
  };
}

type Condition = { IfNoneMatch?: '*' };

/** The date of an object if its store gives none; the object then counts as old. */
const LONG_AGO = new Date(0);

function connect({ region, endpoint, keys }: S3Address): S3Client {
  return new S3Client({
    region,
    // The bucket is part of the path, because servers other than Amazon’s may have no host name per
    // bucket.
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    ...(keys && { credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret } }),
    maxAttempts: s3Patience.attempts,
    requestHandler: {
      connectionTimeout: s3Patience.connection,
      socketTimeout: s3Patience.silence,
    },
  });
}

type Ask = (question: ListMultipartUploadsCommand) => Promise<ListMultipartUploadsCommandOutput>;

/**
 * Yields uploads below the prefix that were begun, but neither completed nor aborted, because their
 * process died.
 */
async function* unfinished(ask: Ask, { Bucket, prefix }: { Bucket: string; prefix: string }) {
  let from: { KeyMarker: string; UploadIdMarker: string } | undefined;
  do {
    const page = await ask(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...from }));
    yield* page.Uploads ?? [];
    const { IsTruncated, NextKeyMarker = '', NextUploadIdMarker = '' } = page;
    from = IsTruncated
      ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker }
      : undefined;
  } while (from);
}
