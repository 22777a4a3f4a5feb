// Stores icons and images. Each is named by the SHA-256 of its content, so no image overwrites another one, and several
// environments can share a store.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inTime, TooLate } from '../in-time.ts';
import { NotFound, Unavailable } from '../problems.ts';
import { checkedImage } from './image-check.ts';
import type { Objects, StoredObject } from './objects.ts';

/** The pattern of image names. It is a text instead of a RegExp, because SQL uses it, too. */
export const IMAGE_NAME = '[0-9a-f]{64}\\.(png|jpg|gif|webp)';
const imageName = new RegExp(`^${IMAGE_NAME}$`);

/**
 * Returns the storage key of an image. The first two characters of its name are its folder, so that
 * no folder gets too many files.
 */
const keyOf = (name: string) => `${name.slice(0, 2)}/${name}`;

export const hasImage = async (objects: Objects, name: string): Promise<boolean> =>
  imageName.test(name) && (await objects.find(keyOf(name))) !== null;

/** A page waits this many milliseconds for a complete image. */
const WHOLE_MS = 6000;

/**
 * Reads the whole image before the response begins, because an error cannot be reported after that.
 * @throws NotFound, Unavailable if the store does not send the whole image in time
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
 * Stores an uploaded image and returns its name. `uploaded` is null if the upload was too large to
 * read.
 * @throws Invalid if the content is not an image that browsers show
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

/**
 * Copies an image to a store that lacks it. Returns whether the target store has the image
 * afterwards.
 */
export async function copyImage(from: Objects, to: Objects, name: string): Promise<boolean> {
  if (!imageName.test(name)) return false;
  if (await isKept(to, name)) return true;
  if (!(await from.find(keyOf(name)))) return false;
  await to.put(keyOf(name), await from.read(keyOf(name)));
  return true;
}

const HOUR = 60 * 60 * 1000;
/**
 * An image older than this is stored again when it is used again, which renews its date. The time is much shorter than
 * any grace period of the cleanup of unused images, so that the cleanup never deletes an image that has just been used.
 */
const FRESH = 12 * HOUR;

/**
 * Returns whether the store has the image. Stores an old image again, so that the cleanup of unused images does not
 * delete it before a row refers to it. Copying the object onto itself is not enough, because some S3 servers then keep
 * its old date.
 */
async function isKept(objects: Objects, name: string): Promise<boolean> {
  const found = await objects.find(keyOf(name));
  if (!found) return false;
  if (Date.now() - found.modifiedAt.getTime() > FRESH) {
    await objects.put(keyOf(name), await buffer(await objects.read(keyOf(name))));
  }
  return true;
}

/**
 * Deletes an image, unless it was stored again after `unlessNewerThan`. Returns whether it was
 * deleted.
 */
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

/** Lists every image in the store, and skips other objects. */
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
