// Blocks of up to 500 images (row contents) of a transfer: a line for each image, compressed.
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { settleAll } from '../settle-all.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The first bytes of everything that zstd compressed. Blocks of former versions are plain text. */
export const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const isCompressed = (bytes: Buffer) => bytes.subarray(0, MAGIC.length).equals(MAGIC);

const BLOCK = 500;
/**
 * A part of a block ends when it is longer than this many UTF-16 units. Each part is one row of an INSERT, and
 * statements must not get too long.
 */
const PART = 500_000;
/** Returns the number of the block of the image with this position in its transfer. */
export const blockOf = (seq: number) => Math.floor((seq - 1) / BLOCK);

type Lines = (readonly [seq: number, image: object | string | null])[];

/**
 * The compressed blocks of rows that are still in memory, each by its first row. The rows before a transfer are stored
 * in the journal and in the history, and most blocks are the same there.
 */
const compressedBlocks = new WeakMap<object, { lines: Lines; parts: Promise<Buffer[]> }>();

/** Compresses the images of a block. A long block has several parts. */
export function compressBlock(lines: Lines): Promise<Buffer[]> {
  const first = lines[0]?.[1];
  if (!first || typeof first === 'string') return compressParts(lines);
  const known = compressedBlocks.get(first);
  if (known && hasSameImages(known.lines, lines)) return known.parts;
  const parts = compressParts(lines);
  compressedBlocks.set(first, { lines, parts });
  parts.catch(() => compressedBlocks.delete(first));
  return parts;
}

const compressParts = (lines: Lines): Promise<Buffer[]> =>
  settleAll(
    partsOf(lines).map((text) => {
      const bytes = Buffer.from(text);
      // If zstd knows the size, it takes less memory, and half the time for texts of this size.
      return compress(bytes, { pledgedSrcSize: bytes.length });
    }),
  );

const hasSameImages = (some: Lines, others: Lines) =>
  some.length === others.length &&
  some.every(([seq, image], index) => others[index]?.[0] === seq && others[index][1] === image);

function partsOf(lines: Lines): string[] {
  const parts: string[] = [];
  let own: string[] = [];
  let length = 0;
  for (const [seq, image] of lines) {
    if (length > PART) {
      parts.push(own.join(''));
      own = [];
      length = 0;
    }
    const line = `${seq}\t${JSON.stringify(image)}\n`;
    own.push(line);
    length += line.length;
  }
  return [...parts, own.join('')];
}

/** Splits a stored part of a block into the position and the JSON text of each row. */
export async function linesOf(images: Buffer): Promise<[seq: number, json: string][]> {
  const text = await textOf(images);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const tab = line.indexOf('\t');
    return [Number(line.slice(0, tab)), line.slice(tab + 1)];
  });
}

/** Returns the text of a stored part of a block. */
export const textOf = async (images: Buffer) =>
  String(isCompressed(images) ? await decompress(images) : images);
