// Which attachments are images: by the first bytes of their content, because the type that came with them may be wrong.
import type { Readable } from 'node:stream';
import pMap from 'p-map';
import { inTime } from '../in-time.ts';
import { imageFormatOf, SIGNATURE_BYTES, type ImageFormat } from '../storage/image-check.ts';
import type { Objects } from '../storage/objects.ts';
import type { Attachment } from './attachments.ts';

/** Formats by the SHA-256 of the content, which never changes. */
const known = new Map<string, ImageFormat | null>();
const MOST_KNOWN = 10_000;
/** How many milliseconds a page waits for the storage; without an answer files can still be downloaded. */
const PATIENCE_MS = 2000;
/** How many files of a page are looked into, and how many at the same time. */
const MOST = 200;
const SIDE_BY_SIDE = 8;

/** Those attachments of a page that are images. */
export async function imagesAmong(objects: Objects, all: Attachment[]): Promise<Set<Attachment>> {
  const images = new Set<Attachment>();
  const looking = pMap(
    all.slice(0, MOST),
    async (one) => {
      if ((await formatOf(objects, one)) !== null) images.add(one);
    },
    { concurrency: SIDE_BY_SIDE },
  );
  await inTime(PATIENCE_MS, looking).catch(() => {});
  return images;
}

/** The format of a stored attachment that is an image; null for any other, and when the storage does not answer. */
export async function formatOf(
  objects: Objects,
  { object, sha256 }: Pick<Attachment, 'object' | 'sha256'>,
): Promise<ImageFormat | null> {
  if (object === null) return null;
  const format = sha256 === null ? undefined : known.get(sha256);
  if (format !== undefined) return format;
  const read = await inTime(PATIENCE_MS, beginningOf(objects, object)).catch(() => null);
  if (read === null) return null;
  const found = imageFormatOf(read);
  if (known.size >= MOST_KNOWN) known.clear();
  if (sha256 !== null) known.set(sha256, found);
  return found;
}

async function beginningOf(objects: Objects, key: string): Promise<Buffer> {
  const content: Readable = await objects.read(key);
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of content as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length >= SIGNATURE_BYTES) break;
  }
  return Buffer.concat(parts);
}
