// Finds which rows of an entity match the filters of a list.
import type { Entity } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { pickedRow } from '../rows/picked.ts';
import type { Query } from '../rows/query.ts';
import { findIds } from '../rows/store.ts';
import { idsWithStatus, isReadyToSend, pendingRows, type PendingRow } from '../state/pending.ts';
import { filterValues, modifiedIn, PAGE, type ListState } from './list-state.ts';
/** Returns the ids of all rows that match the filters of a list, on every page, for the checkbox *Act on all 128*. */
export async function allIds(here: App, entity: Entity, state: ListState, person: string) {
  const waits = here.destination
    ? await pendingRows(here.sql, entity)
    : new Map<number, PendingRow>();
  const query = await queryOf(here, entity, state, person, waits);
  return findIds(here, entity, query, query.sort);
}

/** Returns the ids of all rows on every page of a list that are ready to transfer. */
export async function allReadyIds(here: App, entity: Entity, state: ListState, person: string) {
  const waits = await pendingRows(here.sql, entity);
  const query = await queryOf(here, entity, state, person, waits);
  return findIds(here, entity, among(query, readyIds(waits)));
}

export const readyIds = (waits: Map<number, PendingRow>): number[] =>
  [...waits].flatMap(([id, one]) => (isReadyToSend(one) ? [id] : []));

/** Narrows a query to rows with these ids. */
export function among(query: Query, ids: number[]): Query {
  if (!query.ids) return { ...query, ids };
  const allowed = new Set(ids);
  return { ...query, ids: query.ids.filter((id) => allowed.has(id)) };
}

/** The query of one page of a list. `waits`: the rows with pending changes. */
export async function queryOf(
  here: App,
  entity: Entity,
  state: ListState,
  person: string,
  waits: Map<number, PendingRow>,
): Promise<Query> {
  const ids = await idsOf(here, entity, state, person, waits);
  const modified = modifiedIn(state);
  return {
    search: state.search,
    filters: filterValues(entity, state, await pickedIds(here, entity, state)),
    ...(ids ? { ids } : {}),
    ...(modified ? { modified } : {}),
    sort: state.sort,
    limit: PAGE,
    offset: (state.page - 1) * PAGE,
  };
}

/** Finds the ids of the rows that the user chose in the pickers of the filters. */
async function pickedIds(here: App, entity: Entity, { filters }: ListState) {
  const ids: Record<string, number> = {};
  for (const [name, chosen] of Object.entries(filters)) {
    const to = entity.fields[name]?.to;
    const picked = to ? await pickedRow(here, entityNamed(to), chosen) : null;
    if (picked && 'id' in picked) ids[name] = picked.id;
  }
  return ids;
}

/**
 * Returns the ids of the rows that match the open tab and the status filter; null means all rows.
 */
async function idsOf(
  here: App,
  entity: Entity,
  { tab, statuses, changedBy }: ListState,
  person: string,
  waits: Map<number, PendingRow>,
): Promise<number[] | null> {
  let ids: number[] | null = null;
  const keep = (others: number[]) => {
    const allowed = new Set(others);
    ids = ids === null ? others : ids.filter((id) => allowed.has(id));
  };
  // The tab *Deleted here* lists rows that are not stored any more.
  if (tab === 'deleted') keep([]);
  if (tab === 'ready') keep(readyIds(waits));
  if (tab === 'engineering' || tab === 'mine' || tab === 'held') {
    keep(await idsMarked(here.sql, entity, tab, person));
  }
  if (changedBy !== '') keep(await idsMarked(here.sql, entity, 'mine', changedBy));
  if (statuses.length > 0) {
    const found = statuses.map((status) => idsWithStatus(here.sql, entity, status, waits));
    keep((await Promise.all(found)).flat());
  }
  return ids;
}

type Marked = 'engineering' | 'mine' | 'held';

async function idsMarked(on: Queryable, entity: Entity, tab: Marked, person: string) {
  const lines = await select<{ row_id: number }>(
    on,
    sql`select row_id from row_state
         where entity = ${entity.name} and deleted_at is null
           and case ${tab}
                 when 'engineering' then engineering_by is not null
                 when 'mine' then changed_by = ${person}
                 else held_at is not null
               end`,
  );
  return lines.map((line) => line.row_id);
}
