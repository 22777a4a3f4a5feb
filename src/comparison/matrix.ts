// Counts rows by their last observed status, in one query.
import { entityNamed } from '../catalog/index.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { statusOf, type Status } from '../state/status.ts';

export type Matrix = Map<string, Map<Status, number>>;

type Signature = {
  entity: string;
  is_here: number;
  is_deleted: number;
  is_there: number;
  has_base: number;
  is_equal: number;
  here_is_base: number;
  there_is_base: number;
  rows_count: number;
};

/**
 * Counts the rows of each entity by status. The database groups rows by the facts that decide their status, so that
 * no row is read.
 */
export async function matrix(on: Queryable): Promise<Matrix> {
  const signatures = await select<Signature>(
    on,
    sql`select entity, is_here, is_deleted, is_there, has_base, is_equal, here_is_base, there_is_base,
               cast(count(*) as signed) as rows_count
          from (${everyRow}) every_row
         group by entity, is_here, is_deleted, is_there, has_base, is_equal, here_is_base, there_is_base`,
  );
  const found: Matrix = new Map();
  for (const signature of signatures) {
    const status = statusFrom(signature);
    if (status && !entityNamed(signature.entity).isMatchedByName) {
      const own = found.get(signature.entity) ?? new Map<Status, number>();
      own.set(status, (own.get(status) ?? 0) + signature.rows_count);
      found.set(signature.entity, own);
    }
  }
  return found;
}

/** SQL for all rows that exist here or at the destination, each with the facts that decide its status. */
const everyRow = sql`
  select s.entity, s.row_id, s.deleted_at is null as is_here, s.deleted_at is not null as is_deleted,
         t.observed_hash is not null as is_there, t.base_hash is not null as has_base,
         s.hash <=> t.observed_hash as is_equal, s.hash <=> t.base_hash as here_is_base,
         t.observed_hash <=> t.base_hash as there_is_base
    from row_state s
    left join destination_state t on t.entity = s.entity and t.row_id = s.row_id
  union all
  select t.entity, t.row_id, 0, 0, t.observed_hash is not null, t.base_hash is not null, 0, 0,
         t.observed_hash <=> t.base_hash
    from destination_state t
    left join row_state s on s.entity = t.entity and s.row_id = t.row_id
   where s.entity is null`;

/**
 * Computes the status of a group of rows. statusOf() compares hashes, but a group has only the
 * results of such comparisons. So statusOf() gets made-up hashes, which are equal exactly where the
 * hashes of the rows are equal.
 */
function statusFrom(one: Signature): Status | null {
  const here = one.is_here ? 'here' : null;
  const there = one.is_there ? (here && one.is_equal ? 'here' : 'there') : null;
  const equals = one.here_is_base && here ? 'here' : one.there_is_base && there ? there : 'base';
  return statusOf({
    here,
    there,
    base: one.has_base ? equals : null,
    isDeletedHere: Boolean(one.is_deleted),
  });
}

/** Returns the ids of an entity’s rows with this status: the first `limit` ids above `after`. */
export async function idsInMatrix(
  on: Queryable,
  { entity, status }: { entity: string; status: Status },
  { after, limit }: { after: number; limit: number },
): Promise<number[]> {
  const ids: number[] = [];
  for (let from = after; ids.length < limit;) {
    const lines = await select<Signature & { row_id: number }>(
      on,
      sql`select * from (${everyRow}) every_row
           where entity = ${entity} and row_id > ${from}
             and not (is_here and is_equal) and (is_here or is_there)
           order by row_id
           limit 2000`,
    );
    ids.push(...lines.filter((line) => statusFrom(line) === status).map((line) => line.row_id));
    if (lines.length < 2000) break;
    from = lines.at(-1)?.row_id ?? from;
  }
  return ids.slice(0, limit);
}
