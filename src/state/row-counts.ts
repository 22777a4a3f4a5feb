// How many rows of each entity an environment has.
import type { Entity } from '../catalog/entity.ts';
import { cachedFor } from '../database/cached-for.ts';
import type { Databases } from '../environments/environment.ts';
import { countRows } from '../rows/store.ts';

/** Counts the rows of an entity, or returns a count that is at most five seconds old. */
export const countCached = (place: Databases, entity: Entity): Promise<number> =>
  cachedFor(place.sql, `number of ${entity.name}`, () => countRows(place, entity));

/**
 * Returns the number of rows of each entity, by its name. An entity whose database does not answer is missing from the
 * result.
 */
export async function countEach(
  place: Databases,
  entities: readonly Entity[],
): Promise<Map<string, number>> {
  const counts = await Promise.allSettled(
    entities.map(async (entity) => [entity.name, await countCached(place, entity)] as const),
  );
  return new Map(counts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
}
