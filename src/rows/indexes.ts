// Creates the MongoDB indexes that the catalogue requires: for unique fields, for references, and for reading documents
// in the order of their changes.
import type { CreateIndexesOptions, Db, IndexSpecification } from 'mongodb';
import { fieldEntries, isDocument, type Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { collection } from './mongo.ts';

type Index = { key: IndexSpecification; options: CreateIndexesOptions };

/** Creates the indexes that are missing; MongoDB does nothing for an index that exists. */
export async function createIndexes(documents: Db) {
  for (const entity of catalog.filter(isDocument)) {
    for (const { key, options } of indexesOf(entity)) {
      await collection(documents, entity).createIndex(key, options);
    }
  }
}

export const indexesOf = (entity: Entity): Index[] => [
  ...fieldEntries(entity).flatMap(([name, { unique, to }]): Index[] => {
    if (unique) return [uniqueIndex(entity, name)];
    return to ? [{ key: { [name]: 1 }, options: {} }] : [];
  }),
  { key: { modified_at: 1, _id: 1 }, options: {} },
];

/**
 * Defines a unique index that ignores stubs. A stub is what is left of a removed document for a
 * day, and has none of its fields.
 */
const uniqueIndex = (entity: Entity, name: string): Index => ({
  key: { [name]: 1 },
  options: {
    name: `${entity.table}_${name}`,
    unique: true,
    partialFilterExpression: { [name]: { $exists: true } },
  },
});
