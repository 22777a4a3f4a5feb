// The indexes of MongoDB, made from the catalogue: for unique fields, references, and the order of changes.
import type { CreateIndexesOptions, Db, IndexSpecification } from 'mongodb';
import { fieldEntries, isDocument, type Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { collection } from './mongo.ts';

type Index = { key: IndexSpecification; options: CreateIndexesOptions };

/** Creates the indexes that are missing; for an index that exists MongoDB does nothing. */
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

/** A unique index that ignores stubs: what is left of a removed document for a day, without its fields. */
const uniqueIndex = (entity: Entity, name: string): Index => ({
  key: { [name]: 1 },
  options: {
    name: `${entity.table}_${name}`,
    unique: true,
    partialFilterExpression: { [name]: { $exists: true } },
  },
});
