import { formatValue } from '../web/format.ts';
import type { RowPair } from './compare-pairs.ts';
import { fieldEntries, labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Step } from '../writing/journal.ts';

/** The fields in which both sides of a pair display different values. */
export const fieldDiff = ({ key, here, there }: RowPair) =>
  fieldChanges({ entity: key.entity, before: there, after: here })
    .map(({ field, label, definition, before, after }) => ({
      field,
      label,
      there: formatValue(definition, before),
      here: formatValue(definition, after),
    }))
    .filter((one) => one.here !== one.there);

/** The label and both values of every field of a row in the plan. */
export function fieldChanges({
  entity: name,
  before,
  after,
}: Pick<Step, 'entity' | 'before' | 'after'>) {
  const entity = entityNamed(name);
  return fieldEntries(entity)
    .filter(([, field]) => !field.local)
    .map(([field, definition]) => ({
      field,
      definition,
      label: labelOf(entity, field),
      before: before?.[field],
      after: after?.[field],
    }));
}
