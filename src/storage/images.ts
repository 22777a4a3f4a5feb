// Icons and images. Each is named by the SHA-256 of its content, so it is never overwritten with other content and
// one store may serve several environments.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inTime, TooLate } from '../in-time.ts';
import { NotFound, Unavailable } from '../problems.ts';
import { checkedImage } from './image-check.ts';
import type { Objects, StoredObject } from './objects.ts';

/** A text instead of a RegExp, because SQL uses the same pattern. */
export const IMAGE_NAME = '[0-9a-f]{64}\\.(png|jpg|gif|webp)';
const imageName = new RegExp(`^${IMAGE_NAME}$`);

/**
 * The key of an image: the first two characters of its name are its folder, so that no folder gets too many files.
 */
const keyOf = (name: string) => `${name.slice(0, 2)}/${name}`;

export const hasImage = async (objects: Objects, name: string): Promise<boolean> =>
  imageName.test(name) && (await objects.find(keyOf(name))) !== null;

/** How many milliseconds a page waits for a complete image. */
const WHOLE_MS = 6000;

/**
 * Reads the whole image before answering, because errors cannot be reported once an answer has begun.
 * @throws NotFound, Unavailable when the store does not send all of it in time
 */
export async function readImage(objects: Objects, name: string): Promise<Buffer> {
  if (!imageName.test(name)) throw new NotFound(`There is no image named "${name}".`);
  let opened: Readable | undefined;
  const read = async () => buffer((opened = await objects.read(keyOf(name))));
  return inTime(WHOLE_MS, read()).catch((error: unknown) => {
    opened?.destroy();
    if (!(error instanceof TooLate)) throw error;
    throw new Unavailable('The storage of images does not answer in time. Try again in a moment.');
  });
}

/**
 * Stores an uploaded image and returns its name; `uploaded` is null when it was too large to read.
 * @throws Invalid when the content is not an image that browsers show
 */
export async function keepImage(
  objects: Objects,
  field: string,
  uploaded: Buffer | null,
): Promise<string> {
  const { content, format } = await checkedImage(field, uploaded);
  const name = `${createHash('sha256').update(content).digest('hex')}.${format}`;
  if (!(await isKept(objects, name))) await objects.put(keyOf(name), content);
  return name;
}

/** Copies an image to a store that lacks it; returns whether one of the two stores has it. */
export async function copyImage(from: Objects, to: Objects, name: string): Promise<boolean> {
  if (!imageName.test(name)) return false;
  if (await isKept(to, name)) return true;
  if (!(await from.find(keyOf(name)))) return false;
  await to.put(keyOf(name), await from.read(keyOf(name)));
  return true;
}

const HOUR = 60 * 60 * 1000;
/**
 * After how many milliseconds an image is stored again; much less than any grace period of the cleanup (settings.ts).
 */
const FRESH = 12 * HOUR;

/**
 * Whether the store has the image, safe from the cleanup until a row refers to it. An old image is stored again for
 * that: not every S3 server renews the age of an object that is copied onto itself.
 */
async function isKept(objects: Objects, name: string): Promise<boolean> {
  const found = await objects.find(keyOf(name));
  if (!found) return false;
  if (Date.now() - found.modifiedAt.getTime() > FRESH) {
    await objects.put(keyOf(name), await buffer(await objects.read(keyOf(name))));
  }
  return true;
}

/** Deletes an image; returns whether it did: not when the image was stored again meanwhile. */
export async function deleteImage(
  objects: Objects,
  name: string,
  { unlessNewerThan }: { unlessNewerThan: Date },
): Promise<boolean> {
  const found = await objects.find(keyOf(name));
  if (!found || found.modifiedAt >= unlessNewerThan) return false;
  await objects.delete(keyOf(name));
  return true;
}

/** Lists every image in the store, without other objects. */
export async function* listImages(
  objects: Objects,
): AsyncGenerator<StoredObject & { name: string }> {
  for (let folder = 0; folder < 256; folder += 1) {
    const prefix = `${folder.toString(16).padStart(2, '0')}/`;
    for await (const object of objects.list(prefix)) {
      const name = object.key.slice(prefix.length);
      if (imageName.test(name) && name.startsWith(prefix.slice(0, 2))) yield { ...object, name };
    }
  }
}
