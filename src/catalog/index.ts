// Lists all entities of the catalogue. A new entity needs a file in entities/, a line in this list, and a migration.
import { NotFound } from '../problems.ts';
import { check } from './checks.ts';
import { banner } from './entities/banner.ts';
import { business } from './entities/business.ts';
import { city } from './entities/city.ts';
import { externalTool } from './entities/external-tool.ts';
import { formField } from './entities/form-field.ts';
import { form } from './entities/form.ts';
import { orderReceipt } from './entities/order-receipt.ts';
import { partner } from './entities/partner.ts';
import { sts } from './entities/sts.ts';
import { task } from './entities/task.ts';
import type { Entity } from './entity.ts';
import { lowerFirst } from './lower-first.ts';

/** All entities, in the order in which the menu lists them. */
export const catalog: Entity[] = [
  business,
  task,
  sts,
  form,
  formField,
  banner,
  externalTool,
  orderReceipt,
  city,
  partner,
];

check(catalog);

const byName = new Map(catalog.map((entity) => [entity.name, entity]));

/**
 * Returns the definition of an entity.
 * @throws NotFound for a name that is not in the catalogue
 */
export function entityNamed(name: string): Entity {
  const found = byName.get(name);
  if (!found) throw new NotFound(`There is no "${name}" in the catalogue.`);
  return found;
}

/**
 * The entities whose rows are transferred. Rows of all other entities are matched by name, and each
 * environment has its own.
 */
export const travelling = catalog.filter((entity) => !entity.isMatchedByName);

export const matchedByName = catalog.filter((entity) => entity.isMatchedByName);

/** The heading for all entities that are matched by name: `Cities and partners` */
export const matchedByNameLabel = matchedByName
  .map(({ label }, index) => (index === 0 ? label.many : lowerFirst(label.many)))
  .join(' and ');
