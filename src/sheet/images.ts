import { fieldEntries, labelOf, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';

/** Returns the images that a planned row refers to, each with the label of its field. */
export function imagesOf(step: { entity: string; after: Row | null }) {
  const entity = entityNamed(step.entity);
  return fieldEntries(entity).flatMap(([field, { kind }]) => {
    const name = step.after?.[field];
    return kind === 'image' && typeof name === 'string'
      ? [{ label: labelOf(entity, field), name }]
      : [];
  });
}
