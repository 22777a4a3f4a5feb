// Which attachments are images: by the first bytes of their content, because the type that came with them may be wrong.
import type { Readable } from 'node:stream';
import { inTime } from '../in-time.ts';
import { imageFormatOf, SIGNATURE_BYTES, type ImageFormat } from '../storage/image-check.ts';
import type { Objects } from '../storage/objects.ts';
import type { Attachment } from './attachments.ts';

/** Formats by the SHA-256 of the content, which never changes. */
const known = new Map<string, ImageFormat | null>();
const MOST_KNOWN = 10_000;
/** How many milliseconds a page waits for the storage; without an answer the file can still be downloaded. */
const PATIENCE_MS = 1500;

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
