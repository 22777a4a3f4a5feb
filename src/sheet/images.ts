import { fieldEntries, labelOf, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';

/** The images that a row of the plan references. */
export function imagesOf(step: { entity: string; after: Row | null }) {
  const entity = entityNamed(step.entity);
  return fieldEntries(entity).flatMap(([field, { kind }]) => {
    const name = step.after?.[field];
    return kind === 'image' && typeof name === 'string'
      ? [{ label: labelOf(entity, field), name }]
      : [];
  });
}
