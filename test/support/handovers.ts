// Helpers for tests in which rows take unique names that other rows give up in the same write.
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { App } from '../../src/environments/app.ts';
import { collection } from '../../src/rows/mongo.ts';
import { read } from '../../src/rows/store.ts';
import { writeHere } from '../../src/writing/write-here.ts';
import { pm, writeContextOf } from './rows.ts';

/** Renames several rows in one write, so that they can swap their names. */
export async function rename(here: App, keys: RowKey[], names: string[]) {
  const rows = await read(here, keys);
  const changes = keys.map((key, index) => {
    const before = rows.get(keyText(key)) ?? null;
    if (!before) throw new Error(`${keyText(key)} is not here`);
    return {
      entity: entityNamed(key.entity),
      before,
      after: { ...before, name: names[index] ?? '' },
    };
  });
  await writeHere(writeContextOf(here), pm, changes);
}

/**
 * Reads the forms as MongoDB stores them, in order of their ids. Stubs (what is left of removed documents for a day)
 * are left out.
 */
export const rawForms = async (here: App) =>
  collection(here.documents, entityNamed('form'))
    .find({ removed_at: { $exists: false } })
    .sort({ _id: 1 })
    .toArray();
