import { derivedFrom, fieldEntries, labelOf, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';

const imageFields = derivedFrom((entity) =>
  fieldEntries(entity)
    .filter(([, { kind }]) => kind === 'image')
    .map(([field]) => ({ field, label: labelOf(entity, field) })),
);

/** Returns the images that a planned row refers to, each with the label of its field. */
export const imagesOf = (step: { entity: string; after: Row | null }) =>
  imageFields(entityNamed(step.entity)).flatMap(({ field, label }) => {
    const name = step.after?.[field];
    return typeof name === 'string' ? [{ label, name }] : [];
  });
