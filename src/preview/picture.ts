import { textOf, type Value } from '../catalog/fields.ts';
import { inTime } from '../in-time.ts';
import { hasImage } from '../storage/images.ts';
import type { Objects } from '../storage/objects.ts';

/** Whether the image storage from which the page shows images has this image. */
export type HasImage = (name: string) => Promise<boolean>;

/**
 * An image of a preview. `isMissing`: whether the storage lacks the image, so that the page shows a sentence in its
 * place.
 */
export type Picture = { name: string; isMissing: boolean };

/** How many milliseconds a preview waits for the image storage to say whether an image exists. */
const PATIENCE = 1000;

/**
 * Returns whether a storage has an image. Without an answer the image counts as present: a preview is a part of the
 * page of a row, which must open without the storage.
 */
export const imagesOf =
  (images: Objects): HasImage =>
  (name) =>
    inTime(PATIENCE, hasImage(images, name)).catch(() => true);

export async function picture(value: Value | undefined, has: HasImage): Promise<Picture | null> {
  const name = textOf(value);
  return name === '' ? null : { name, isMissing: !(await has(name)) };
}
