// Deletes a row with its dependent rows, unless other rows still reference one of them.
import { hash } from 'node:crypto';
import { hashOf } from '../catalog/content.ts';
import { titleOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import { read, readBy } from '../rows/store.ts';
import { fromOtherRows, referencingRows, type Reference } from '../rows/references.ts';
import { Conflict, NotFound } from '../problems.ts';
import type { WriteContext } from '../writing/changes.ts';
import { writeHere } from '../writing/write-here.ts';
import type { Author } from '../state/row-state.ts';
import { dependentsOf } from '../catalog/family.ts';

export type Deletion = {
  row: Row;
  dependents: { entity: Entity; row: Row }[];
  usedBy: { entity: Entity; row: Row }[];
  /** All rows that would be deleted: the row and its dependent rows. */
  all: { entity: Entity; row: Row }[];
  /**
   * The hash of the content of all rows to delete. The page posts this hash, so that rows that were changed after the
   * page was shown are not deleted.
   */
  seen: string;
};

/**
 * Finds out what deleting a row would do: which dependent rows are deleted with it, and which
 * references prevent the deletion.
 */
export async function deletion(here: Environment, entity: Entity, id: number): Promise<Deletion> {
  const found = (await deletions(here, entity, [id])).get(id);
  if (!found) throw new NotFound(`${entity.label.one} ${id} is not here.`);
  return found;
}

/**
 * Finds out what deleting each of these rows would do, with a fixed number of queries. The result is a map by id,
 * without rows that do not exist here.
 */
export async function deletions(
  here: Environment,
  entity: Entity,
  ids: number[],
): Promise<Map<number, Deletion>> {
  const keys = ids.map((id): RowKey => ({ entity: entity.name, id }));
  const rows = await read(here, keys);
  const dependents: { owner: number; entity: Entity; row: Row }[] = [];
  for (const dependent of dependentsOf(entity)) {
    const owner = dependent.owner ?? '';
    const found = await readBy(here, dependent, owner, ids);
    dependents.push(...found.map((row) => ({ owner: Number(row[owner]), entity: dependent, row })));
  }
  const dependentsByOwner = Map.groupBy(dependents, ({ owner }) => owner);
  const uses = await referencingRows(here, keys, { under: true });
  const usesByTarget = Map.groupBy(uses, ({ target }) => target.id);
  return new Map(
    [...rows.values()].map((row) => {
      const own = (dependentsByOwner.get(row.id) ?? []).map(({ owner: _owner, ...one }) => one);
      return [row.id, deletionOf(entity, row, own, usesByTarget.get(row.id) ?? [])];
    }),
  );
}

function deletionOf(
  entity: Entity,
  row: Row,
  dependents: Deletion['dependents'],
  uses: Reference[],
): Deletion {
  const along = dependents.map((one) => ({ entity: one.entity.name, id: one.row.id }));
  const usedBy = fromOtherRows(uses, along).map(({ referrer: user }) => user);
  const all = [{ entity, row }, ...dependents];
  const seen = hash('sha256', all.map((one) => hashOf(one.entity, one.row)).join(' '));
  return { row, dependents, usedBy, all, seen };
}

/**
 * Deletes a row and its dependent rows. `shown` is the hash of the rows that the page showed; when
 * the rows have changed since, nothing is deleted.
 * @throws Conflict when other rows still reference the rows to delete
 */
export async function remove(
  home: WriteContext,
  author: Author,
  entity: Entity,
  id: number,
  shown?: string,
): Promise<'deleted' | 'changed since'> {
  const { row, usedBy, all, seen } = await deletion(home.here, entity, id);
  if (usedBy.length > 0) {
    throw new Conflict(
      `${titleOf(entity, row)} is still used by ${usedBy.length} other rows. Change those first.`,
    );
  }
  if (shown !== undefined && shown !== seen) return 'changed since';
  const changes = all.map((one) => ({ entity: one.entity, before: one.row, after: null }));
  await writeHere(home, author, changes);
  return 'deleted';
}
