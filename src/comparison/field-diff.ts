import { formatValue } from '../web/format.ts';
import type { RowPair } from './compare-pairs.ts';
import { fieldEntries, labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Step } from '../writing/journal.ts';

/** Returns the fields whose displayed values here and at the destination differ. */
export const fieldDiff = ({ key, here, there }: RowPair) =>
  fieldChanges({ entity: key.entity, before: there, after: here })
    .map(({ field, label, definition, before, after }) => ({
      field,
      label,
      definition,
      values: { here: after, there: before },
      there: formatValue(definition, before),
      here: formatValue(definition, after),
    }))
    .filter((one) => one.here !== one.there);

/**
 * Returns every field that a transfer writes, with its label and its values before and after the
 * transfer.
 */
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
