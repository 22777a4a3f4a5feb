// Counts rows by their last observed status, from the sync state (what is known of each row here and at its
// destination).
import { catalog, entityNamed } from '../catalog/index.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { settleAll } from '../settle-all.ts';
import { everyBaseId } from '../state/base-chunks.ts';
import { lastKnownStatus, withBases, type RecordedRow } from '../state/pending.ts';
import { statusOf, type Status } from '../state/status.ts';

export type Matrix = Map<string, Map<Status, number>>;

type Signature = {
  is_here: number;
  is_deleted: number;
  is_there: number;
  has_base: number;
  is_equal: number;
  here_is_base: number;
  there_is_base: number;
};
/**
 * Counts the rows of each entity by status, from the sync state alone; no row is read. The status follows from which
 * hashes of a row are recorded and which of these are equal, so MySQL counts the rows of each combination. A row with
 * only a base (the content at which both sides were last equal) is in sync.
 */
export async function matrix(on: Queryable): Promise<Matrix> {
  const found: Matrix = new Map();
  const count = (entity: string, status: Status | null, rows: number) => {
    if (!status || rows === 0 || entityNamed(entity).isMatchedByName) return;
    const own = found.get(entity) ?? new Map<Status, number>();
    own.set(status, (own.get(status) ?? 0) + rows);
    found.set(entity, own);
  };
  const [groups, others, untouched] = await settleAll([
    select<Signature & { entity: string; rows_count: number }>(
      on,
      sql`select entity,
                 hash is not null and deleted_at is null as is_here, deleted_at is not null as is_deleted,
                 observed_hash is not null as is_there, base_hash is not null as has_base,
                 hash <=> observed_hash as is_equal, hash <=> base_hash as here_is_base,
                 observed_hash <=> base_hash as there_is_base,
                 cast(count(*) as signed) as rows_count
            from (${everyLine}) every_line
           where observed_at is not null
           group by entity, is_here, is_deleted, is_there, has_base, is_equal, here_is_base, there_is_base`,
    ),
    select<RecordedRow>(
      on,
      sql`select * from (${everyLine}) every_line where observed_at is null`,
    ).then((lines) => withBases(on, lines)),
    countUntouched(on),
  ]);
  for (const group of groups) count(group.entity, statusFrom(group), group.rows_count);
  for (const line of others) count(line.entity, lastKnownStatus(line), 1);
  for (const { name } of catalog) count(name, 'In sync', untouched.get(name) ?? 0);
  return found;
}

/**
 * Counts the rows of each entity that have a base (the content at which both sides were last equal), but no record in
 * row_state or destination_state. These rows are in sync.
 */
async function countUntouched(on: Queryable): Promise<Map<string, number>> {
  const lines = await select<{ entity: string; id: number }>(
    on,
    sql`select entity, row_id as id from row_state
         union select entity, row_id from destination_state`,
  );
  const touched = new Map<string, Set<number>>();
  for (const { entity, id } of lines) {
    const own = touched.get(entity) ?? new Set();
    touched.set(entity, own.add(id));
  }
  const rows = new Map<string, number>();
  for await (const { entity, ids } of everyBaseId(on)) {
    const own = touched.get(entity);
    const untouched = ids.filter((id) => !own?.has(id));
    rows.set(entity, (rows.get(entity) ?? 0) + untouched.length);
  }
  return rows;
}

/** SQL that selects every row with a record in row_state or destination_state, with the hashes of both records. */
const everyLine = sql`
  select s.entity, s.row_id, s.hash, s.deleted_at, t.observed_hash, t.observed_at, t.base_hash
    from row_state s
    left join destination_state t on t.entity = s.entity and t.row_id = s.row_id
  union all
  select t.entity, t.row_id, null, null, t.observed_hash, t.observed_at, t.base_hash
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

/**
 * Returns the ids of an entity’s rows with this last observed status: at most `limit` ids above `after`, in ascending
 * order. Rows with the status *In sync* cannot be listed.
 */
export async function idsInMatrix(
  on: Queryable,
  { entity, status }: { entity: string; status: Status },
  { after, limit }: { after: number; limit: number },
): Promise<number[]> {
  const ids: number[] = [];
  for (let from = after; ids.length < limit;) {
    const lines = await select<RecordedRow>(
      on,
      sql`select * from (${everyLine}) every_line
           where entity = ${entity} and row_id > ${from}
             and (observed_at is null or not (if(deleted_at is null, hash, null) <=> observed_hash))
           order by row_id
           limit 2000`,
    );
    const known = await withBases(on, lines);
    ids.push(
      ...known.filter((line) => lastKnownStatus(line) === status).map((line) => line.row_id),
    );
    if (lines.length < 2000) break;
    from = lines.at(-1)?.row_id ?? from;
  }
  return ids.slice(0, limit);
}
