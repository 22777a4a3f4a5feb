// The indexes of MongoDB, derived from the catalogue: unique fields, references, and the order of changes.
import type { CreateIndexesOptions, Db, IndexSpecification } from 'mongodb';
import { fieldEntries, isDocument, type Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { collection } from './mongo.ts';

type Index = { key: IndexSpecification; options: CreateIndexesOptions };

/** Creates missing indexes; an existing one costs only one command. */
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

/** A removed document stays for a day as a stub without fields; unique indexes must not treat stubs as duplicates. */
const uniqueIndex = (entity: Entity, name: string): Index => ({
  key: { [name]: 1 },
  options: {
    name: `${entity.table}_${name}`,
    unique: true,
    partialFilterExpression: { [name]: { $exists: true } },
  },
});
