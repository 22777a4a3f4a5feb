// Makes a valid content for a row of any entity, from the definition of the entity.
import { v4 as uuid } from 'uuid';
import { fieldEntries, type Content, type Entity } from '../../src/catalog/entity.ts';
import type { Field, Value } from '../../src/catalog/fields.ts';

/** Titles that make failure reports easier to read. An entity without a title here gets the label of the entity. */
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
let orders = 0;
const unique = () => `${(count += 1)}-${uuid().slice(0, 6)}`;

/**
 * Returns the content of a new row with a sample value in each required field, except references, which the test must
 * give.
 */
export const sampleContent = (entity: Entity): Content =>
  Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => [name, sampleValue(entity, name, field)]),
  );

function sampleValue(entity: Entity, name: string, field: Field): Value {
  // The rows of one parent row must have different numbers in the field that sorts them.
  if (name === entity.order) return (orders = (orders % 1000) + 1);
  if (field.kind === 'choice') return field.choices?.[0] ?? '';
  if (field.kind !== 'text' || field.optional) return field.initial;
  const text = titles[entity.name] ?? entity.label.one;
  const isTold = field.unique || (name === entity.title && entity.owner === null);
  return isTold ? `${text} ${unique()}` : text;
}
