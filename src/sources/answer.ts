// Turns the HTTP response of a data source into a stream of bytes. The stream ends with an error when the connection
// breaks, when the source falls silent, or when the response is too large.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import { inTime, TooLate } from '../in-time.ts';
import { shown } from './addresses.ts';
import { FetchFailure } from './failure.ts';

/** Time limits and intervals in milliseconds. Tests shorten them. */
export const deadlines = {
  /** How long a data source may send nothing. */
  silence: 60_000,
  /** How long an index (the publisher’s list of files) may take to arrive. */
  index: 600_000,
  /** How long a file may take to arrive. */
  file: 6 * 60 * 60 * 1000,
  /** How long to wait before a failed file is requested again. */
  pause: 2000,
  /** How long to wait between two reports of how far a download is. */
  report: 1000,
};

export type Answer = {
  /** The URL that sent the response, after all redirects. */
  url: URL;
  headers: IncomingHttpHeaders;
  /**
   * The size in the header `Content-Length`; null if the header is missing, or if the response is
   * compressed, because then the header has the compressed size.
   */
  size: number | null;
  /**
   * The ETag without quotes and without the prefix `W/` of weak ETags; null if the response has
   * none.
   */
  etag: string | null;
  /**
   * Whether the response shows where its body ends. If not, a broken connection looks like the end
   * of the body.
   */
  hasEnd: boolean;
  body: () => AsyncGenerator<Buffer>;
  close: () => void;
};

export function answerOf(url: URL, response: IncomingMessage): Answer {
  const { headers } = response;
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const isPlain = encoding === 'identity' || encoding === '';
  const length = Number(headers['content-length'] ?? Number.NaN);
  return {
    url,
    headers,
    size: isPlain && Number.isSafeInteger(length) ? length : null,
    etag: plainEtag(headers.etag),
    hasEnd:
      headers['content-length'] !== undefined ||
      headers['transfer-encoding'] !== undefined ||
      !isPlain,
    body: () => (isPlain ? partsOf(url, response) : unpacked(url, response, encoding)),
    close: () => void response.destroy(),
  };
}

/**
 * Returns an ETag without quotes and without the prefix `W/`. A server may send a weak ETag for a
 * file in one response and a strong ETag in the next, so the prefix must not count as a change.
 */
export const plainEtag = (etag: string | undefined): string | null =>
  etag?.trim().replace(/^W\//i, '').replaceAll(/^"|"$/g, '').slice(0, 300) || null;

async function* partsOf(url: URL, response: IncomingMessage): AsyncGenerator<Buffer> {
  const parts = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const { done, value } = await inTime(deadlines.silence, parts.next());
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw asFailure(error, url, 'cut');
  } finally {
    response.destroy();
  }
}

const unpackers: Record<string, () => Transform> = {
  gzip: zlib.createGunzip,
  'x-gzip': zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  zstd: zlib.createZstdDecompress,
};

/**
 * Decompresses the body of a response that the server compressed although the request asked for no
 * compression.
 */
async function* unpacked(
  url: URL,
  response: IncomingMessage,
  encoding: string,
): AsyncGenerator<Buffer> {
  const unpack = unpackers[encoding];
  if (!unpack) {
    response.destroy();
    throw new FetchFailure(
      'encoding',
      `${shown(url)} is compressed as “${encoding.slice(0, 40)}”, which cannot be read.`,
    );
  }
  const plain = pipeline(Readable.from(partsOf(url, response)), unpack(), () => {});
  try {
    for await (const part of plain) yield part as Buffer;
  } catch (error) {
    throw asFailure(error, url, 'cut');
  } finally {
    plain.destroy();
    response.destroy();
  }
}

/**
 * Yields the body of a response piece by piece.
 * @throws FetchFailure when the body has more than `bytes` bytes, or takes longer than `ms`
 * milliseconds
 */
export async function* limited(
  answer: Answer,
  { bytes, ms }: { bytes: number; ms: number },
): AsyncGenerator<Buffer> {
  const tooLarge = () =>
    new FetchFailure(
      'too-large',
      `${shown(answer.url)} is larger than ${Math.round(bytes / 1_000_000)} MB, the limit.`,
    );
  const end = Date.now() + ms;
  try {
    if ((answer.size ?? 0) > bytes) throw tooLarge();
    let size = 0;
    for await (const part of answer.body()) {
      size += part.length;
      if (size > bytes) throw tooLarge();
      if (Date.now() > end) throw tooSlow(answer.url, ms);
      yield part;
    }
  } finally {
    answer.close();
  }
}

const tooSlow = (url: URL, ms: number) =>
  new FetchFailure(
    'slow',
    `${shown(url)} had not come after ${Math.round(ms / 60_000)} minutes. Ask the publisher for smaller files.`,
  );

const silent = (url: URL) =>
  new FetchFailure(
    'silent',
    `${shown(url)} was silent for ${Math.round(deadlines.silence / 1000)} seconds.`,
    {
      isPassing: true,
    },
  );

/**
 * Turns a connection error into a FetchFailure with a message for users. A FetchFailure, and the
 * AbortError of a request that was stopped on purpose, are returned unchanged.
 */
export function asFailure(
  error: unknown,
  url: URL,
  reason: 'unreachable' | 'cut' = 'unreachable',
): unknown {
  if (error instanceof FetchFailure) return error;
  if (error instanceof TooLate) return silent(url);
  const { code = '', name = '' } = error as { code?: string; name?: string };
  if (name === 'AbortError') return error;
  const words =
    reason === 'cut'
      ? `${shown(url)} broke off before all of it came (${code || name}).`
      : `${url.host} cannot be reached (${code || name}). Check the address; if it is right, it is asked again.`;
  return new FetchFailure(reason, words, { isPassing: true, cause: error });
}
