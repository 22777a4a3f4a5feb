// Removes secrets from API answers, unless the API key has the separate scope for reading secrets in clear text.
import { openedSecrets } from '../access/secret-fields.ts';
import { covers } from '../access/scopes.ts';
import { labelOf, type Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { secretsOf } from '../catalog/secret.ts';
import type { Environment } from '../environments/environment.ts';
import type { Item } from './feed.ts';

/**
 * The scope for the secrets of an entity. `catalog:*` does not include it: a key that reads every entity reads no
 * secret.
 */
export const secretScopeOf = (entity: string): string => `secrets:${entity}`;

export const entitiesWithSecrets = (): Entity[] =>
  catalog.filter((entity) => secretsOf(entity).length > 0);

/** Returns the label of the scope on pages: `External tools: Key, in clear` */
export const secretsLabel = (entity: Entity): string =>
  `${entity.label.many}: ${secretsOf(entity)
    .map((name) => labelOf(entity, name))
    .join(', ')}, in clear`;

/**
 * Removes the secrets from the items, except those that the scopes of the API key include. A secret
 * that cannot be decrypted is removed, too.
 */
export async function readableItems<T extends Item>(
  here: Environment,
  entity: Entity,
  items: T[],
  scopes: readonly string[],
): Promise<object[]> {
  const fields = secretsOf(entity);
  if (fields.length === 0) return items;
  const without = (item: T) =>
    Object.fromEntries(Object.entries(item).filter(([name]) => !fields.includes(name)));
  if (!covers(scopes, secretScopeOf(entity.name))) return items.map(without);
  const ids = items.filter(({ deleted }) => !deleted).map(({ id }) => id);
  const opened = await openedSecrets(here, entity, ids);
  return items.map((item) => ({ ...without(item), ...opened.get(item.id) }));
}
