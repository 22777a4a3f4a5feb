import { expect, test } from 'vitest';
import { isDocument } from '../../src/catalog/entity.ts';
import { catalog } from '../../src/catalog/index.ts';
import { createIndexes, indexesOf } from '../../src/rows/indexes.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

test('every MongoDB collection has indexes for its unique fields, references and modified_at, and no others', async () => {
  const { documents } = world.staging;
  await createIndexes(documents);
  for (const entity of catalog.filter(isDocument)) {
    const there = await documents.collection(entity.table).indexes();
    const keys = there.map(({ key, unique = false }) => ({ key, unique }));
    expect(keys).toHaveLength(indexesOf(entity).length + 1);
    expect(keys).toEqual(
      expect.arrayContaining(
        indexesOf(entity).map(({ key, options }) => ({ key, unique: options.unique ?? false })),
      ),
    );
  }
  const form = catalog.find(({ name }) => name === 'form');
  expect(form && indexesOf(form).map(({ key }) => key)).toEqual([
    { name: 1 },
    { modified_at: 1, _id: 1 },
  ]);
});
