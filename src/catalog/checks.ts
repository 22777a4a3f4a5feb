// Checks the definitions of entities when the program starts. A wrong definition stops the program with an error that
// names the entity and the field.
import { isSecret } from './secret.ts';
import { linksOf, referencesOf, type Entity } from './entity.ts';

const reserved = new Set([
  'id',
  'modified_at',
  'version',
  'stamp',
  'removed_at',
  'temporary',
  '_id',
]);

export function check(catalog: Entity[]) {
  const names = new Set(catalog.map((entity) => entity.name));
  if (names.size < catalog.length) throw new Error('Catalogue: two entities have the same name');
  for (const entity of catalog) {
    const wrong = problems(entity, names, catalog);
    if (wrong.length > 0) throw new Error(`Catalogue: ${entity.name}: ${wrong.join('; ')}`);
  }
}

function problems(entity: Entity, names: Set<string>, catalog: Entity[]): string[] {
  const wrong: string[] = [];
  if (!entity.fields[entity.title]) wrong.push(`its title "${entity.title}" is not a field`);
  for (const { field, to } of referencesOf(entity)) {
    if (!names.has(to)) wrong.push(`"${field}" points to "${to}", which is not in the catalogue`);
  }
  for (const { field, links } of linksOf(entity)) {
    for (const { entity: to } of links.parts) {
      if (!catalog.find(({ name }) => name === to)?.isMatchedByName) {
        wrong.push(`"${field}" is linked with "${to}", which is not matched by name`);
      }
    }
  }
  if (entity.owner && !entity.fields[entity.owner]?.to) {
    wrong.push(`its owner "${entity.owner}" is not a reference`);
  }
  if (entity.order && (!entity.owner || entity.fields[entity.order]?.kind !== 'integer')) {
    wrong.push(`its order "${entity.order}" is not a whole number of a dependent entity`);
  }
  for (const dependent of entity.dependents) {
    const child = catalog.find(({ name }) => name === dependent);
    if (!child?.owner || child.fields[child.owner]?.to !== entity.name) {
      wrong.push(`its dependent "${dependent}" does not name it as owner`);
    }
  }
  for (const [name, field] of Object.entries(entity.fields)) {
    if (reserved.has(name)) {
      wrong.push(`"${name}" is kept for the program`);
    }
    if (field.links && entity.store === 'mongo') wrong.push(`"${name}": links are kept in MySQL`);
    if (field.unique && field.kind !== 'text')
      wrong.push(`"${name}": a unique field must be a text`);
    if (isSecret(field) && (entity.store === 'mongo' || entity.title === name)) {
      wrong.push(`"${name}": a secret is kept in MySQL, and is no title`);
    }
    if (field.unique && field.optional) wrong.push(`"${name}": a unique field cannot be optional`);
  }
  return wrong;
}
