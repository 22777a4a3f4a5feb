// The names (of cities and partners) that planned rows are linked with, and where these names occur: here, at the
// destination and in datasets.
import { linkedNamesOf, type LinkedName, type Row, type RowKey } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed, matchedByName } from '../catalog/index.ts';
import { datasetsWith } from '../datasets/feeding-names.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { idsByName, idsSpelled, namesOf, rowsNamed, type IdsByEntity } from '../rows/names.ts';
import { read } from '../rows/store.ts';
import { settleAll } from '../settle-all.ts';
import { nameThere, type Mappings } from '../state/name-mapping.ts';
import type { Step } from '../writing/journal.ts';
import type { Facts } from './facts.ts';

/** Returns each linked name once, in the destination’s spelling, with the last of the rows that have this link. */
export function linkedNames(steps: Step[]): (LinkedName & { row: RowKey })[] {
  const found = new Map<string, LinkedName & { row: RowKey }>();
  for (const { entity, id, action, after } of steps) {
    for (const linked of action === 'same' ? [] : linkedNamesOf(entityNamed(entity), after)) {
      found.set(`${linked.entity}:${linked.name}`, { ...linked, row: { entity, id } });
    }
  }
  return [...found.values()];
}

/** Reads the rows here that planned rows are linked with, by `<entity>:<name at the destination>`. */
export async function linkedRows(
  here: Databases,
  mappings: Mappings,
  steps: Step[],
): Promise<Map<string, Row>> {
  const links = linkedNames(steps);
  const rows = new Map<string, Row>();
  for (const { name: kind } of matchedByName) {
    const wanted = namesOf(kind, links);
    const mapped = [...mappings].flatMap(([key, theirs]) =>
      key.startsWith(`${kind}:`) && wanted.includes(theirs) ? [key.slice(kind.length + 1)] : [],
    );
    const ids = await idsByName(here.sql, kind, [...wanted, ...mapped]);
    const keys = [...ids.values()].flatMap(([id]) =>
      id === undefined ? [] : [{ entity: kind, id }],
    );
    for (const row of (await read(here, keys)).values()) {
      rows.set(`${kind}:${nameThere(mappings, kind, textOf(row['name']))}`, row);
    }
  }
  return rows;
}

/** Finds the rows with linked names at the destination, with one parallel query for each entity. */
export async function namesThere(
  there: Environment,
  linked: LinkedName[],
): Promise<Pick<Facts, 'names' | 'otherSpellings'>> {
  const names: IdsByEntity = new Map();
  const otherSpellings: Facts['otherSpellings'] = new Map();
  await settleAll(
    matchedByName.map(async ({ name: kind }) => {
      const found = await rowsNamed(there.sql, kind, namesOf(kind, linked));
      names.set(kind, idsSpelled(found));
      for (const [name, rows] of found) {
        if (!names.get(kind)?.has(name)) {
          otherSpellings.set(
            `${kind}:${name}`,
            rows.map((row) => row.name),
          );
        }
      }
    }),
  );
  return { names, otherSpellings };
}

/**
 * Finds the datasets here that contain a linked name which the destination lacks, by `<entity>:<name>`. Reads no
 * dataset if the destination lacks no name.
 */
export async function missingInDatasets(
  here: Environment,
  linked: LinkedName[],
  names: IdsByEntity,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { name: kind } of matchedByName) {
    const missing = namesOf(kind, linked).filter((one) => !names.get(kind)?.has(one));
    const inDatasets = await datasetsWith(here.sql, kind, [...new Set(missing)]);
    for (const [name, datasets] of inDatasets ?? []) found.set(`${kind}:${name}`, datasets);
  }
  return found;
}
