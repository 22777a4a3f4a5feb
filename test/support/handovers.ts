// Rows that hand on their names, and what MongoDB has of them meanwhile.
import type { RowKey } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { App } from '../../src/environments/app.ts';
import { collection } from '../../src/rows/mongo.ts';
import { change } from './rows.ts';

/** Hands on names as people do it, who save one row at a time. */
export async function rename(here: App, keys: RowKey[], names: string[]) {
  for (const key of keys) await change(here, key, { name: `On its way ${key.entity} ${key.id}` });
  for (const [index, key] of keys.entries()) await change(here, key, { name: names[index] ?? '' });
}

/** Forms as MongoDB has them, in order of id and without stubs. */
export const rawForms = async (here: App) =>
  collection(here.documents, entityNamed('form'))
    .find({ removed_at: { $exists: false } })
    .sort({ _id: 1 })
    .toArray();
