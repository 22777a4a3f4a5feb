// Unpacks the only file of a ZIP archive as a stream. The list of the files is at the end of an archive, which a stream
// reaches last, so the header before each file is read instead.
import { once } from 'node:events';
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { refusal } from './other-kinds.ts';
import { Unreadable } from './reading.ts';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
/** An archive without files begins with this signature. */
const END = 0x06054b50;
const DESCRIPTOR = 0x08074b50;

type Entry = {
  name: string;
  isDeflated: boolean;
  /** Whether the archive has the size and checksum of this file after the file’s content instead of before it. */
  isStreamed: boolean;
  isWide: boolean;
  size: number;
  checksum: number;
};

/**
 * Unpacks an archive.
 * @throws Unreadable unless the archive has exactly one file
 */
export async function* unzip(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const bytes = new ByteReader(content);
  let files = 0;
  try {
    while ((await signature(bytes)) === LOCAL) {
      const entry = await readEntry(bytes);
      const isShown = isFile(entry.name);
      if (isShown) files += 1;
      if (isOffice(entry.name)) throw refusal('spreadsheet', 'an Office document');
      if (files > 1) throw tooMany();
      for await (const chunk of contentOf(bytes, entry)) if (isShown) yield chunk;
    }
  } finally {
    await bytes.close();
  }
  if (files === 0) throw new Unreadable('empty', 'The archive has no file. Pack the CSV file.');
}

export const isZlibError = (error: unknown) =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  String(error.code).startsWith('Z_');

export const damaged = (cause?: unknown) =>
  new Unreadable(
    'damaged',
    'The compressed file is damaged or incomplete. Fetch or pack it again.',
    {
      cause,
    },
  );

const tooMany = () =>
  new Unreadable('many-files', 'The archive has several files. Pack each one on its own.');

/**
 * Whether a file name shows that the archive is an Office document, such as a spreadsheet. Every file of an archive is
 * checked, because the files of such a document come in any order.
 */
const isOffice = (name: string) =>
  /^(\[Content_Types\]\.xml$|(_rels|docProps|xl|word|ppt)\/)/.test(name);

/** Whether an entry is a file of the user, and not a folder or a file that macOS adds. */
const isFile = (name: string) =>
  !name.endsWith('/') && !name.startsWith('__MACOSX/') && !name.endsWith('.DS_Store');

async function signature(bytes: ByteReader): Promise<number> {
  const found = (await bytes.take(4)).readUInt32LE();
  if (found !== LOCAL && found !== CENTRAL && found !== END) throw damaged();
  return found;
}

async function readEntry(bytes: ByteReader): Promise<Entry> {
  const head = await bytes.take(26);
  const flags = head.readUInt16LE(2);
  const method = head.readUInt16LE(4);
  const name = (await bytes.take(head.readUInt16LE(22))).toString('utf8');
  const extra = await bytes.take(head.readUInt16LE(24));
  if (/^(\[Content_Types\]\.xml|_rels\/|xl\/|mimetype$)/.test(name)) {
    throw refusal('spreadsheet', 'a spreadsheet or document');
  }
  const isDeflated = method === 8;
  const isStreamed = (flags & 8) !== 0;
  if ((flags & 1) !== 0) throw refusal('archive', 'encrypted');
  if (!isDeflated && (method !== 0 || isStreamed)) throw refusal('archive', 'packed unusually');
  const wide = wideSize(extra);
  const size = head.readUInt32LE(18) === 0xffffffff ? (wide ?? 0) : head.readUInt32LE(18);
  const checksum = head.readUInt32LE(10);
  return { name, isDeflated, isStreamed, isWide: wide !== null, size, checksum };
}

/** Reads the size from the ZIP64 field of an entry, which files of more than 4 GB have. */
function wideSize(extra: Buffer): number | null {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    return at + 12 <= extra.length ? Number(extra.readBigUInt64LE(at + 4)) : 0;
  }
  return null;
}

async function* contentOf(bytes: ByteReader, entry: Entry): AsyncGenerator<Uint8Array> {
  let checksum = 0;
  for await (const chunk of entry.isDeflated ? inflated(bytes) : bytes.next(entry.size)) {
    checksum = crc32(chunk, checksum);
    yield chunk;
  }
  const wanted = entry.isStreamed ? await checksumBehind(bytes, entry.isWide) : entry.checksum;
  if (checksum !== wanted) throw damaged();
}

async function checksumBehind(bytes: ByteReader, isWide: boolean): Promise<number> {
  const first = (await bytes.take(4)).readUInt32LE();
  const checksum = first === DESCRIPTOR ? (await bytes.take(4)).readUInt32LE() : first;
  await bytes.take(isWide ? 16 : 8);
  return checksum;
}

/**
 * Inflates the content of a file in the archive. Compressed data contains a mark for its end. Bytes after this end are
 * returned to the reader, because they belong to the next part of the archive.
 */
async function* inflated(bytes: ByteReader): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw({ chunkSize: 64 * 1024 });
  const fed = new Fed();
  const feeding = feed(bytes, inflate, fed).catch((error: Error) => void inflate.destroy(error));
  try {
    yield* inflate as AsyncIterable<Buffer>;
    await feeding;
  } catch (error) {
    throw isZlibError(error) ? damaged(error) : error;
  }
  bytes.giveBack(fed.behind(inflate.bytesWritten));
}

async function feed(bytes: ByteReader, inflate: InflateRaw, fed: Fed) {
  const ending = Promise.race([once(inflate, 'end'), once(inflate, 'close')]);
  // This handler ignores the error, because the reader of the stream receives it.
  ending.catch(() => {});
  const isOver = () => inflate.readableEnded || inflate.destroyed;
  for (let chunk = await bytes.some(); chunk; chunk = await bytes.some()) {
    fed.add(chunk, inflate.bytesWritten);
    if (isOver()) return;
    if (!inflate.write(chunk)) await Promise.race([once(inflate, 'drain'), ending]);
    if (isOver()) return;
  }
  inflate.end();
}

/**
 * Keeps the bytes that were written to the inflating stream, because the stream may not have consumed all of them at
 * its end.
 */
class Fed {
  private bytes: Buffer = Buffer.alloc(0);
  private before = 0;

  add(chunk: Buffer, used: number) {
    this.bytes = Buffer.concat([this.behind(used), chunk]);
    this.before = used;
  }

  behind(used: number): Buffer {
    return this.bytes.subarray(used - this.before);
  }
}

/** Reads any number of bytes from chunks of any size. */
class ByteReader {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(content: AsyncIterable<Uint8Array>) {
    this.chunks = content[Symbol.asyncIterator]();
  }

  /** Returns the bytes that are available, or the next chunk; null at the end. */
  async some(): Promise<Buffer | null> {
    if (this.rest.length > 0) {
      const { rest } = this;
      this.rest = Buffer.alloc(0);
      return rest;
    }
    const { done, value } = await this.chunks.next();
    return done ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }

  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.next(size)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *next(size: number): AsyncGenerator<Buffer> {
    let missing = size;
    while (missing > 0) {
      const chunk = await this.some();
      if (!chunk) throw damaged();
      if (chunk.length > missing) this.rest = chunk.subarray(missing);
      yield chunk.subarray(0, missing);
      missing -= Math.min(missing, chunk.length);
    }
  }

  giveBack(bytes: Buffer) {
    this.rest = Buffer.concat([bytes, this.rest]);
  }

  async close() {
    await this.chunks.return?.();
  }
}
