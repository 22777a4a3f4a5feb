// The list of what is managed. A new entity is one file in entities/, one line here, and a migration.
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
import { referencesOf, type Content, type Entity, type Row, type RowKey } from './entity.ts';

/** In the order of the menu. */
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

/** @throws NotFound for a name that is not in the catalogue */
export function entityNamed(name: string): Entity {
  const found = byName.get(name);
  if (!found) throw new NotFound(`There is no "${name}" in the catalogue.`);
  return found;
}

/** What is carried as rows; cities and partners belong to their environment. */
export const travelling = catalog.filter((entity) => !entity.isMatchedByName);
export const matchedByName = catalog.filter((entity) => entity.isMatchedByName);

export const dependentsOf = (entity: Entity): Entity[] => entity.dependents.map(entityNamed);

/** Every field elsewhere that points to rows of this entity. */
export const referencesTo = (entity: Entity): { from: Entity; field: string }[] =>
  catalog.flatMap((from) =>
    referencesOf(from)
      .filter(({ to }) => to === entity.name)
      .map(({ field }) => ({ from, field })),
  );

/** The row under which a dependent stands; null for every other row. */
export const ownerOf = ({ name, owner, fields }: Entity, content: Content): RowKey | null =>
  owner ? { entity: fields[owner]?.to ?? name, id: Number(content[owner]) } : null;

/** The row that a row travels with: its owner for a dependent, itself otherwise. */
export const rootOf = (entity: Entity, row: Row): RowKey =>
  ownerOf(entity, row) ?? { entity: entity.name, id: row.id };
