// Compares the cities or partners of this environment with the names in a dataset, and adds the names that this
// environment lacks.
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
  /** Names of cities or partners in the dataset that this environment lacks. */
  missing: string[];
  /** Names that this environment and the dataset spell differently. */
  spelled: { here: string; inDataset: string }[];
  /** Names that rows of this environment are linked with, but that the dataset lacks. */
  unknown: string[];
  /** How many names are spelled alike in this environment and in the dataset. */
  equal: number;
};

/**
 * Compares the names of cities or partners in this environment with the current version of a dataset.
 * @throws Conflict if the settings of the dataset name no entity to compare, or the dataset has no rows or lacks the
 * column of names
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

/** Returns the names of the cities or partners that rows of the catalogue are linked with. */
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
 * Adds cities or partners with these names; each is saved in the name of the person. `key`
 * identifies the posted form: a form that is posted twice adds each name once.
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
