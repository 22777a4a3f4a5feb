// Wraps the streams into and out of a store: measures and hashes the content, and makes errors readable.
import { createHash } from 'node:crypto';
import { pipeline, Readable, Transform } from 'node:stream';
import { Unavailable } from '../problems.ts';
import type { Content, PutOptions, Stored } from './objects.ts';

/** Passes content on to a store, and counts and hashes its bytes meanwhile. */
export function measure(content: Content, { signal }: PutOptions) {
  const hash = createHash('sha256');
  let size = 0;
  let failure: unknown = null;
  async function* given() {
    try {
      for await (const part of partsOf(content)) {
        signal?.throwIfAborted();
        yield part;
      }
      signal?.throwIfAborted();
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  // A second generator around given() is needed: if the store fails, its error is thrown into the outermost generator.
  // In given() that error would look as if the content could not be read.
  async function* passing() {
    for await (const part of given()) {
      hash.update(part);
      size += part.length;
      yield part;
    }
  }
  // A content stream that sends no bytes does not notice that the upload was aborted, so the stream is destroyed here.
  const stop = () => {
    if (content instanceof Readable) content.destroy(signal?.reason as Error);
  };
  signal?.addEventListener('abort', stop, { once: true });
  return {
    parts: passing(),
    stored: (): Stored => ({ size, checksum: hash.digest('hex') }),
    /** The error with which the source of the content failed; null if the source did not fail. */
    failure: () => failure,
    end: () => signal?.removeEventListener('abort', stop),
  };
}

async function* partsOf(content: Content): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}

/** Returns a stream that fails with a readable error if the content ends before `size` bytes. */
export function checked(
  body: Readable,
  size: number | undefined,
  asTrouble: (error: unknown) => unknown,
): Readable {
  let missing = size ?? 0;
  const whole = new Transform({
    transform(part: Buffer, _encoding, done) {
      missing -= part.length;
      done(null, part);
    },
    flush: (done) => done(size === undefined || missing === 0 ? null : cutShort()),
    destroy: (error, done) => done(error && (asTrouble(error) as Error)),
  });
  return pipeline(body, whole, () => {});
}

const cutShort = () =>
  new Unavailable('Storage ended an object before all of it came. Try again in a moment.');
