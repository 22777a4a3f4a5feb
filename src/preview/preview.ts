// Which entities have a preview, and how each is made. The partial views/preview/<kind> shows it.
import { titleOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { rootOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Objects } from '../storage/objects.ts';
import { bannerPreview, type BannerPreview } from './banner.ts';
import { formPreview, type FormPreview } from './form.ts';
import { imagesOf, type HasImage } from './picture.ts';
import type { Side } from './side.ts';
import { taskPreview, type TaskPreview } from './task.ts';

/** A row as the app would show it. */
type Preview = FormPreview | BannerPreview | TaskPreview;

const previews: Record<string, (side: Side, row: Row, has: HasImage) => Promise<Preview>> = {
  form: formPreview,
  banner: bannerPreview,
  task: taskPreview,
};

/** Whether a preview shows rows of this entity: as the previewed row itself, or as a part of its parent row. */
export function hasPreview({ name, owner, fields }: Entity): boolean {
  const root = owner === null ? name : (fields[owner]?.to ?? name);
  return Object.hasOwn(previews, root);
}

/** The row whose preview shows this row: the row itself, or the parent row of a dependent row. */
export const previewedKey = (entity: Entity, row: Row): RowKey | null =>
  hasPreview(entity) ? rootOf(entity, row) : null;

/** A preview with the type and title of its row: `Form “Visit details”`. */
export type TitledPreview = { title: string; preview: Preview };

/**
 * Returns the preview of a row; null if `side` does not have the row. `side`: the rows as they are stored, or as they
 * will be after a transfer.
 */
export async function previewOf(
  side: Side,
  { entity: name, id }: RowKey,
  images: Objects,
): Promise<TitledPreview | null> {
  const row = await side.one(name, id);
  const preview = row && (await previews[name]?.(side, row, imagesOf(images)));
  if (!row || !preview) return null;
  const entity = entityNamed(name);
  return { title: `${entity.label.one} “${titleOf(entity, row)}”`, preview };
}
