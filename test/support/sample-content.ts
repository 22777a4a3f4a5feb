// Makes a valid content for a row of any entity, from the definition of the entity.
import { v4 as uuid } from 'uuid';
import { fieldEntries, type Content, type Entity } from '../../src/catalog/entity.ts';
import type { Field, Value } from '../../src/catalog/fields.ts';

/**
 * Titles that are easier to read in a failure than the label of the entity. An entity without one here needs none.
 */
const titles: Record<string, string> = {
  business: 'Sunrise Clinic',
  task: 'Book a visit',
  form: 'Visit details',
  form_field: 'Date of birth',
  sts: 'Book me a visit',
  banner: 'Free check-up week',
  order_receipt: 'Visit booked',
  external_tool: 'Calendar',
};

let count = 0;
const unique = () => `${(count += 1)}-${uuid().slice(0, 6)}`;

/**
 * The content of a row: the values of a new row, and a sample value for each required field; references are given by
 * the test.
 */
export const sampleContent = (entity: Entity): Content =>
  Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => [name, sampleValue(entity, name, field)]),
  );

function sampleValue(entity: Entity, name: string, field: Field): Value {
  if (field.kind === 'choice') return field.choices?.[0] ?? '';
  if (field.kind !== 'text' || field.optional) return field.initial;
  const text = titles[entity.name] ?? entity.label.one;
  const isTold = field.unique || (name === entity.title && entity.owner === null);
  return isTold ? `${text} ${unique()}` : text;
}
