// Unpacks a stored file, if it is compressed, as a stream. The size limit counts unpacked bytes, so that a small
// archive cannot fill the disk.
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Unreadable, type Reading } from './reading.ts';
import { refuseOtherKinds } from './other-kinds.ts';
import { damaged, isZlibError, unzip } from './zip.ts';

export type Unpacked = {
  compression: Reading['compression'];
  /** The first bytes of the unpacked file: at least 64 kB, or the whole file if it is shorter. */
  head: Uint8Array;
  content: AsyncIterable<Uint8Array>;
};

export type UnpackOptions = {
  /** The most bytes that the unpacked file may have. */
  limitBytes?: number;
  /** The name of the file in messages. */
  fileName?: string;
};

const HEAD = 64 * 1024;

/**
 * Opens a stored file, compressed or not.
 * @throws Unreadable if the beginning of the file cannot be read; reading the returned content may throw it, too
 */
export async function unpack(
  stored: AsyncIterable<Uint8Array>,
  { limitBytes = Infinity, fileName = 'The file' }: UnpackOptions = {},
): Promise<Unpacked> {
  const packed = await withHead(stored);
  const compression = compressionOf(packed.head);
  const opened = await withHead(
    limited(openers[compression](packed.content), limitBytes, fileName),
  );
  try {
    if (opened.head.length === 0) throw new Unreadable('empty', `${fileName} is empty.`);
    refuseOtherKinds(opened.head, fileName);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return { compression, head: opened.head, content: opened.content };
}

function compressionOf(head: Uint8Array): Reading['compression'] {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const start = Buffer.from(head.subarray(0, 4)).toString('latin1');
  return start === 'PK\x03\x04' || start === 'PK\x05\x06' ? 'zip' : 'none';
}

const openers: Record<
  Reading['compression'],
  (content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
> = { none: (content) => content, gzip: gunzip, zip: unzip };

async function* gunzip(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzipped = createGunzip({ chunkSize: HEAD });
  pipeline(Readable.from(content), unzipped, () => {});
  try {
    yield* unzipped as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw damaged(error);
  }
}

async function* limited(
  content: AsyncIterable<Uint8Array>,
  limit: number,
  fileName: string,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit, fileName);
    yield chunk;
  }
}

function tooLarge(limit: number, fileName: string): Unreadable {
  const megabytes = Math.floor(limit / 1_000_000).toLocaleString('en');
  const solution = 'Split it, or raise DATAFILE_LIMIT_MB.';
  return new Unreadable(
    'too-large',
    `${fileName} holds more than ${megabytes} MB of text. ${solution}`,
  );
}

/**
 * Reads the first bytes in advance, to detect the format of the file. `content` yields these bytes
 * again, and then the rest.
 */
async function withHead(content: AsyncIterable<Uint8Array>) {
  const rest = content[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < HEAD) {
    const { done, value } = await rest.next();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  const head = Buffer.concat(parts);
  return { head, content: follow(head, rest), close: async () => void (await rest.return?.()) };
}

async function* follow(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
