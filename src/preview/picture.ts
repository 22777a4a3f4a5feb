import { textOf, type Value } from '../catalog/fields.ts';

/** Whether the image storage from which the page shows images has this image. */
export type HasImage = (name: string) => Promise<boolean>;

/** An image of a preview; the page says so if the storage lacks it. */
export type Picture = { name: string; isMissing: boolean };

export async function picture(
  value: Value | undefined,
  hasImage: HasImage,
): Promise<Picture | null> {
  const name = textOf(value);
  return name === '' ? null : { name, isMissing: !(await hasImage(name)) };
}
