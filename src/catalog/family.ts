// Finds parent rows and dependent rows, and the references between entities.
import { referencesOf, type Content, type Entity, type Row, type RowKey } from './entity.ts';
import { catalog, entityNamed } from './index.ts';

export const dependentsOf = (entity: Entity): Entity[] => entity.dependents.map(entityNamed);

/** Returns every field of other entities that refers to this entity. */
export const referencesTo = (entity: Entity): { from: Entity; field: string }[] =>
  catalog.flatMap((from) =>
    referencesOf(from)
      .filter(({ to }) => to === entity.name)
      .map(({ field }) => ({ from, field })),
  );

/** Returns the key of the parent row of a dependent row; null for every other row. */
export function ownerOf({ name, owner, fields }: Entity, content: Content): RowKey | null {
  const id = Number(owner ? content[owner] : NaN);
  // A dependent row has no parent row if another program has deleted the parent row.
  return owner && Number.isSafeInteger(id) ? { entity: fields[owner]?.to ?? name, id } : null;
}

/**
 * Returns the key of the row with which a row is transferred: the parent row of a dependent row,
 * otherwise the row itself.
 */
export const rootOf = (entity: Entity, row: Row): RowKey =>
  ownerOf(entity, row) ?? { entity: entity.name, id: row.id };

/** Returns the keys of all rows that a row refers to. */
export function parentsOf(entity: Entity, row: Row | null): RowKey[] {
  const parents: RowKey[] = [];
  for (const { field, to } of referencesOf(entity)) {
    const id = row?.[field];
    if (typeof id === 'number') parents.push({ entity: to, id });
  }
  return parents;
}

/** Returns the key of each row that any of these rows refers to. */
export function parentsOfAll(rows: Iterable<{ entity: Entity; row: Row }>): RowKey[] {
  const found = new Map<string, Set<number>>();
  for (const { entity, row } of rows) {
    for (const parent of parentsOf(entity, row)) {
      const ids = found.get(parent.entity) ?? new Set();
      found.set(parent.entity, ids.add(parent.id));
    }
  }
  return [...found].flatMap(([entity, ids]) => [...ids].map((id) => ({ entity, id })));
}
