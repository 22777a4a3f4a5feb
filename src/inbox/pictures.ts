// Finds the attachments that are images. The first bytes of the content decide, because the media type that was
// migrated from the older system Conversations may be wrong.
import type { Readable } from 'node:stream';
import pMap from 'p-map';
import { inTime } from '../in-time.ts';
import { imageFormatOf, SIGNATURE_BYTES, type ImageFormat } from '../storage/image-check.ts';
import type { Objects } from '../storage/objects.ts';
import type { Attachment } from './attachments.ts';

/**
 * A cache of image formats by the SHA-256 of the content. Entries stay correct, because a checksum
 * always means the same content.
 */
const known = new Map<string, ImageFormat | null>();
const MOST_KNOWN = 10_000;
/**
 * How many milliseconds a page waits for the object storage. If it does not answer, the page offers
 * the attachments as downloads and shows no images.
 */
const PATIENCE_MS = 2000;
/** How many attachments of a page are checked, and how many at the same time. */
const MOST = 200;
const SIDE_BY_SIDE = 8;

/** Returns the attachments of a page that are images. */
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

/**
 * Returns the image format of an attachment; null if it is not stored or not an image, or if the
 * storage does not answer.
 */
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
