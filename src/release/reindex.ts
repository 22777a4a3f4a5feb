// Lists the ids of rows in each environment, to build or verify a search index.
import { entityNamed, travelling } from '../catalog/index.ts';
import type { Entity } from '../catalog/entity.ts';
import { first, select, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { findIds } from '../rows/store.ts';
import type { Transfer } from '../writing/journal.ts';
import { Problem } from '../problems.ts';

export type Ids = Record<string, number[]>;

/** Lists every id of an entity, in rising order. */
const idsOf = (place: Environment, entity: Entity): Promise<number[]> =>
  findIds(place, entity, { search: '', filters: {} });

/** Lists all ids of an environment, by entity. */
export async function allIds(place: Environment): Promise<Ids> {
  const found: Ids = {};
  for (const entity of travelling) found[entity.name] = await idsOf(place, entity);
  return found;
}

export type Changed = { entity: string; id: number; isGone: boolean };

/**
 * Lists the ids of all rows that were written since a transfer began to write, including the rows
 * of that transfer.
 * @throws Problem when the transfer wrote nothing
 */
export async function changedSince(on: Queryable, transfer: Transfer): Promise<Changed[]> {
  const came = await first<{ id: number | null }>(
    on,
    sql`select min(id) as id from arrival where transfer = ${transfer.id}`,
  );
  if (!came?.id) {
    throw new Problem(
      422,
      `Transfer ${transfer.number} wrote nothing there (${transfer.state.replace('_', ' ')}): choose one that arrived.`,
    );
  }
  const lines = await select<{ entity: string; row_id: number; is_gone: number }>(
    on,
    sql`select a.entity, a.row_id, a.action = 'remove' as is_gone
          from arrival a
          join (select max(id) as id from arrival
                 where id >= ${came.id}
                 group by entity, row_id) newest on newest.id = a.id
         order by a.entity, a.row_id`,
  );
  return lines
    .filter(({ entity }) => !entityNamed(entity).isMatchedByName)
    .map(({ entity, row_id: id, is_gone: isGone }) => ({ entity, id, isGone: Boolean(isGone) }));
}

export type Difference = {
  entity: string;
  here: number;
  there: number;
  onlyHere: number[];
  onlyThere: number[];
};

/** Compares two environments: lists, by entity, the ids that exist in only one of them. */
export async function differences(here: Environment, there: Environment): Promise<Difference[]> {
  const all: Difference[] = [];
  for (const entity of travelling) {
    const [mine, theirs] = await Promise.all([idsOf(here, entity), idsOf(there, entity)]);
    const [own, other] = [new Set(mine), new Set(theirs)];
    all.push({
      entity: entity.name,
      here: own.size,
      there: other.size,
      onlyHere: mine.filter((id) => !other.has(id)),
      onlyThere: theirs.filter((id) => !own.has(id)),
    });
  }
  return all;
}
