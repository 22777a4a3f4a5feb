// The names (of cities and partners) that planned rows are linked with.
import { linkedNamesOf, type LinkedName, type RowKey } from '../catalog/entity.ts';
import { entityNamed, matchedByName } from '../catalog/index.ts';
import { datasetsWith } from '../datasets/feeding-names.ts';
import type { Environment } from '../environments/environment.ts';
import { namesOf, type IdsByEntity } from '../rows/names.ts';
import type { Step } from '../writing/journal.ts';

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
