// Compares the cities or partners of this environment with the names in a dataset, and adds those that are missing here.
import { v5 as uuidOf } from 'uuid';
import { linksOf } from '../catalog/entity.ts';
import { entityNamed, travelling } from '../catalog/index.ts';
import { nameKey } from '../catalog/name-key.ts';
import type { Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as editing from '../editing/save.ts';
import { Conflict, Invalid } from '../problems.ts';
import { namesInUse } from '../rows/links.ts';
import { namesByEntity } from '../rows/names.ts';
import type { Author } from '../state/row-state.ts';
import { fullName, type Dataset } from './datasets.ts';
import { namesIn } from './feeding-names.ts';
import * as versions from './versions.ts';

type NameReview = {
  /** Names of the dataset that are missing here. */
  missing: string[];
  /** Names that are spelled in another way here than in the dataset. */
  spelled: { here: string; inDataset: string }[];
  /** Names that rows here are linked with, and that the dataset does not have. */
  unknown: string[];
  /** How many names are equal. */
  equal: number;
};

/**
 * Compares the names of this environment with those of a dataset's current version.
 * @throws Conflict when the dataset feeds nothing, or has no version with the column
 */
export async function review(here: App, dataset: Dataset): Promise<NameReview> {
  const { sql: on } = here;
  const { feeds, feeds_column: columnName } = dataset;
  const version = await versions.current(on, dataset);
  if (!feeds || !columnName) {
    throw new Conflict(
      `${fullName(dataset)} is checked against nothing. Choose the entity and the column with its names in the settings of the dataset.`,
    );
  }
  if (!version || version.purged_at !== null) {
    throw new Conflict(`${fullName(dataset)} has no rows yet. Load a file first.`);
  }
  if (!version.columns.some(({ name }) => name === columnName)) {
    throw new Conflict(
      `${fullName(dataset)} has no column “${columnName}”. Choose the column with the names in its settings.`,
    );
  }
  const inDataset = await namesIn(on, version, columnName);
  const standing = (await namesByEntity(on, [feeds]))[feeds] ?? [];
  const byKey = new Map(standing.map((name) => [nameKey(name), name]));
  const both = [...byKey].filter(([key]) => inDataset.has(key));
  const spelled = both
    .map(([key, name]) => ({ here: name, inDataset: inDataset.get(key) ?? '' }))
    .filter((one) => one.here.normalize('NFC') !== one.inDataset);
  return {
    missing: [...inDataset].filter(([key]) => !byKey.has(key)).map(([, name]) => name),
    spelled,
    unknown: (await usedNames(on, feeds)).filter((name) => !inDataset.has(nameKey(name))),
    equal: both.length - spelled.length,
  };
}

/** The names of an entity that rows of the catalogue are linked with. */
async function usedNames(on: Queryable, entity: string): Promise<string[]> {
  const used = new Set<string>();
  for (const from of travelling) {
    for (const { links } of linksOf(from)) {
      for (const part of links.parts.filter((one) => one.entity === entity)) {
        for (const name of await namesInUse(on, links, part)) used.add(name);
      }
    }
  }
  return [...used].toSorted((one, other) => one.localeCompare(other));
}

type Added = { added: string[]; refused: { name: string; reason: string }[] };

/**
 * Adds rows with these names, each as a save of this person. `key`: of the form, so that a form that is posted twice
 * adds nothing twice.
 */
export async function addNames(
  here: App,
  author: Author,
  { entity, names, key }: { entity: string; names: string[]; key: string },
): Promise<Added> {
  const outcome: Added = { added: [], refused: [] };
  const context = { here, lease: here.settings.lease.milliseconds };
  for (const name of names) {
    try {
      const once = uuidOf(name, key);
      await editing.add(context, author, entityNamed(entity), { name }, once);
      outcome.added.push(name);
    } catch (error) {
      if (!(error instanceof Invalid || error instanceof Conflict)) throw error;
      outcome.refused.push({ name, reason: error.message });
    }
  }
  return outcome;
}
