// Finds rows with pending changes: those that are not in sync with the destination, as last observed. Uses only what
// is recorded about rows and reads no row.
import { keysFrom, keyText, type Entity } from '../catalog/entity.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { baseIds, readBases } from './base-chunks.ts';
import { DELETED } from './undone-contents.ts';
import { readDestinationStates } from './destination-state.ts';
import { keyOfLine } from './row-state.ts';
import { isReady, statusOf, withDependents, type Status } from './status.ts';

type StateLine = {
  entity: string;
  row_id: number;
  root_id: number;
  hash: string;
  deleted_at: string | null;
  engineering_by: string | null;
  base_hash: string | null;
  observed_hash: string | null;
  /** Null for a row without an entry in `destination_state`. Such a row may have a base in `base_chunk`. */
  observed_at: string | null;
  undone_hash: string | null;
  is_held: number;
};

/**
 * A row with pending changes. `isUndone`: the row’s present content was sent before and undone at
 * the destination, so sending it again needs a confirmation. `isHeld`: the row is marked *Not for
 * production*.
 */
export type PendingRow = {
  status: Status;
  isEngineering: boolean;
  isUndone: boolean;
  isHeld: boolean;
};

/**
 * Returns the rows of an entity with pending changes, by id. A change of a dependent row counts as
 * a change of its parent row.
 */
export async function pendingRows(on: Queryable, entity: Entity): Promise<Map<number, PendingRow>> {
  const kinds = [entity.name, ...entity.dependents];
  const found = await select<StateLine>(
    on,
    // straight_join fixes the join order; otherwise MySQL would also look up the parent row of
    // every row that is in sync.
    sql`select straight_join
               s.entity, s.row_id, if(s.entity = ${entity.name}, s.row_id, s.root_id) as root_id,
               s.hash, s.deleted_at, s.engineering_by, t.base_hash, t.observed_hash, t.observed_at,
               t.undone_hash, s.held_at is not null or r.held_at is not null as is_held
          from row_state s
          left join destination_state t on t.entity = s.entity and t.row_id = s.row_id
          left join row_state r on r.entity = s.root_entity and r.row_id = s.root_id
         where s.entity in (${kinds})
           and (t.entity is null
                or not (if(s.deleted_at is null, s.hash, null) <=> t.observed_hash))`,
  );
  const lines = await differingWithBases(on, found);
  const own = new Map<number, Status>();
  const dependents = new Map<number, Status[]>();
  const engineering = new Set<number>();
  const undone = new Set<number>();
  const held = new Set<number>();
  for (const line of lines) {
    const status = lastKnownStatus(line);
    const id = line.entity === entity.name ? line.row_id : line.root_id;
    if (line.engineering_by) engineering.add(id);
    if (line.is_held) held.add(id);
    if (line.undone_hash === (line.deleted_at ? DELETED : line.hash)) undone.add(id);
    if (status === 'Only there') continue;
    if (status && line.entity === entity.name) own.set(id, status);
    else if (status) dependents.set(id, [...(dependents.get(id) ?? []), status]);
  }
  for (const [id, of] of dependents) own.set(id, withDependents(own.get(id) ?? 'In sync', of));
  return new Map(
    [...own].map(([id, status]) => [
      id,
      {
        status,
        isEngineering: engineering.has(id),
        isUndone: undone.has(id),
        isHeld: held.has(id),
      },
    ]),
  );
}

/**
 * A row with what is recorded about it. `hash`: null if the row never existed here. `observed_at`: null if the row has
 * no entry in `destination_state`.
 */
export type RecordedRow = Pick<
  StateLine,
  'entity' | 'row_id' | 'deleted_at' | 'base_hash' | 'observed_hash' | 'observed_at'
> & { hash: string | null };

/**
 * Adds the bases to rows without an entry in `destination_state`. When such a base was written, both sides were equal,
 * so the hash of the base is also the last hash that was observed at the destination.
 */
export async function withBases<T extends RecordedRow>(on: Queryable, lines: T[]): Promise<T[]> {
  const bases = await readBases(
    on,
    lines.filter((line) => line.observed_at === null).map(keyOfLine),
  );
  return lines.map((line) => {
    const base = line.observed_at === null ? bases.get(keyText(keyOfLine(line))) : undefined;
    return base ? { ...line, base_hash: base.hash, observed_hash: base.hash } : line;
  });
}

/** Adds the bases to rows, and returns only the rows that differ from what was last observed at the destination. */
export const differingWithBases = async <T extends RecordedRow>(on: Queryable, lines: T[]) =>
  (await withBases(on, lines)).filter(
    ({ hash, deleted_at: deletedAt, observed_hash: seen }) =>
      (deletedAt === null ? hash : null) !== seen,
  );

/** Whether a row is ready to send: new or changed here, not by engineering, not undone, not on hold. */
export const isReadyToSend = ({ status, isEngineering, isUndone, isHeld }: PendingRow) =>
  isReady(status) && !isEngineering && !isUndone && !isHeld;

/**
 * Returns the ids of an entity’s rows that have this status. `waits`: the rows with pending
 * changes, as pendingRows() returns them.
 */
export async function idsWithStatus(
  on: Queryable,
  entity: Entity,
  status: Status,
  waits: Map<number, PendingRow>,
): Promise<number[]> {
  if (status !== 'In sync') {
    return [...waits].flatMap(([id, one]) => (one.status === status ? [id] : []));
  }
  const lines = await select<{ row_id: number; is_gone: number }>(
    on,
    sql`select row_id, deleted_at is not null as is_gone from row_state where entity = ${entity.name}`,
  );
  const ids = new Set(lines.map((line) => line.row_id));
  for await (const some of baseIds(on, entity.name)) for (const id of some) ids.add(id);
  for (const { row_id: id, is_gone: isGone } of lines) if (isGone) ids.delete(id);
  return [...ids].filter((id) => !waits.has(id));
}

/** Computes the status of a row from its recorded hashes, without reading the row. */
export const lastKnownStatus = (
  line: Pick<RecordedRow, 'hash' | 'deleted_at' | 'base_hash' | 'observed_hash'>,
): Status | null =>
  statusOf({
    here: line.deleted_at === null ? line.hash : null,
    base: line.base_hash,
    there: line.observed_hash,
    isDeletedHere: line.deleted_at !== null,
  });

/** Who undid the present content of a row at the destination, when and why. */
export type UndoneThere = { by: string; at: string; reason: string | null };

/**
 * Computes the status of rows from what the environment `on` last observed at its destination. `hashes`: the hashes of
 * the rows’ contents in `on`, by key text (`task:12`). The returned `at` is the time of the oldest observation, and
 * `undone` has the rows whose content was undone there.
 */
export async function lastKnownStatuses(
  on: Queryable,
  hashes: Map<string, string>,
): Promise<{
  statuses: Map<string, Status>;
  undone: Map<string, UndoneThere>;
  at: string | null;
}> {
  const keys = keysFrom([...hashes.keys()]);
  const stops = await readDestinationStates(on, keys);
  const statuses = new Map<string, Status>();
  const undone = new Map<string, UndoneThere>();
  let at: string | null = null;
  for (const [text, here] of hashes) {
    const stop = stops.get(text);
    const status = statusOf({
      here,
      base: stop?.base_hash ?? null,
      there: stop?.observed_hash ?? null,
    });
    if (status) statuses.set(text, status);
    if (stop?.undone_hash === here && stop.undone_by !== null) {
      const { undone_by: by, undone_at: since, undone_reason: reason } = stop;
      undone.set(text, { by, at: since ?? '', reason });
    }
    if (stop && (at === null || stop.observed_at < at)) at = stop.observed_at;
  }
  return { statuses, undone, at };
}
