// Reads the names of cities or partners from datasets. A dataset version never changes, so its names are cached in
// memory.
import { nameKey } from '../catalog/name-key.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { fullName, type Dataset } from './datasets.ts';
import { cellsFromJson } from './reading/values.ts';
import * as rows from './rows.ts';
import * as versions from './versions.ts';
import type { Version } from './versions.ts';

/**
 * Maps the key of a name to the name. Two names with the same key count as equal
 * (src/catalog/name-key.ts).
 */
type NamesByKey = Map<string, string>;

/** The maximum number of lists of names in the cache. Each list has the names in one column of a dataset version. */
const KEPT = 8;
const CHUNK = 5000;
const known = new WeakMap<object, Map<string, NamesByKey>>();

/** Returns the names in a column of a version; an empty map if the version has no such column. */
export async function namesIn(
  on: Queryable,
  version: Version,
  columnName: string,
): Promise<NamesByKey> {
  const kept = known.get(on) ?? new Map<string, NamesByKey>();
  known.set(on, kept);
  const key = JSON.stringify([version.dataset, version.number, version.created_at, columnName]);
  const found = kept.get(key) ?? (await readNames(on, version, columnName));
  kept.delete(key);
  kept.set(key, found);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value ?? '');
  return found;
}

async function readNames(on: Queryable, version: Version, columnName: string): Promise<NamesByKey> {
  const found: NamesByKey = new Map();
  const index = version.columns.findIndex(({ name }) => name === columnName);
  if (index === -1) return found;
  for await (const page of rows.pages(on, version, CHUNK)) {
    for (const { cells } of page) {
      const cell = cellsFromJson(cells)[index];
      const name = cell === null || cell === undefined ? '' : String(cell).normalize('NFC').trim();
      if (name !== '' && !found.has(nameKey(name))) found.set(nameKey(name), name);
    }
  }
  return found;
}

/**
 * Finds which datasets contain the given names of cities or partners. Returns, for each name, the
 * full names of those datasets; null if no dataset holds names of this entity.
 */
export async function datasetsWith(
  on: Queryable,
  entity: string,
  names: string[],
): Promise<Map<string, string[]> | null> {
  if (names.length === 0) return null;
  const feeding = await select<Dataset>(
    on,
    sql`select * from dataset
         where feeds = ${entity} and feeds_column is not null and current_version is not null`,
  );
  if (feeding.length === 0) return null;
  const found = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const dataset of feeding) {
    const version = await versions.current(on, dataset);
    if (!version || version.purged_at !== null) continue;
    const inIt = await namesIn(on, version, dataset.feeds_column ?? '');
    for (const name of names) {
      if (inIt.has(nameKey(name))) found.get(name)?.push(fullName(dataset));
    }
  }
  return found;
}
