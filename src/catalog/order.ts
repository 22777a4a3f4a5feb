// Sorts entities into the order in which their rows are written: referenced entities come first.
import { catalog, matchedByName } from './index.ts';
import { referencesOf, type Entity } from './entity.ts';

export function promotionOrder(entities: Entity[]): Entity[] {
  const ordered: Entity[] = [];
  const visit = (entity: Entity, path: Entity[]) => {
    if (path.includes(entity)) {
      throw new Error(`References go in a circle: ${path.map(({ name }) => name).join(' → ')}`);
    }
    if (!ordered.includes(entity)) {
      for (const { to } of referencesOf(entity)) {
        const target = entities.find(({ name }) => name === to);
        if (target) visit(target, [...path, entity]);
      }
      ordered.push(entity);
    }
  };
  for (const entity of entities) visit(entity, []);
  return ordered;
}

/** Entities that are matched by name (cities, partners) come first, because the links of other rows look them up. */
const order = [...matchedByName, ...promotionOrder(catalog.filter((one) => !one.isMatchedByName))];
const place = new Map(order.map((entity, index) => [entity.name, index]));

/** Sorts row keys, or the steps of a transfer plan, into the order in which their rows are written. */
export const inWritingOrder = <T extends { entity: string; id: number }>(items: T[]): T[] =>
  items.toSorted(
    (one, other) =>
      (place.get(one.entity) ?? 0) - (place.get(other.entity) ?? 0) || one.id - other.id,
  );
