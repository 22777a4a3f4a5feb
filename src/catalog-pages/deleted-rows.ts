// The tab *Deleted here* of a list. Only the title of a deleted row is stored, so this tab can be searched by title,
// but not filtered by fields.
import { keyText, type Entity } from '../catalog/entity.ts';
import { isByAndAt } from '../database/newest-first.ts';
import { first, select, sql } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { idIn, searchPattern } from '../rows/search-pattern.ts';
import { textColumn } from '../rows/text-columns.ts';
import type { PendingRow } from '../state/pending.ts';
import type { RowState } from '../state/row-state.ts';
import type { Status } from '../state/status.ts';
import { nearestPage } from '../web/paginate.ts';
import { nothing, statusesAhead } from './destination-statuses.ts';
import { modifiedIn, PAGE, type ListState } from './list-state.ts';

/** A row that was deleted here. The status is null if the destination has deleted it, too. */
export type DeletedRow = { state: RowState; status: Status | null };

/** Reads a page of the rows deleted here that match the filters, the newest first. */
export async function deletedRows(
  here: App,
  entity: Entity,
  state: ListState,
  waits: Map<number, PendingRow>,
): Promise<{ rows: DeletedRow[]; total: number; page: number }> {
  const condition = matching(entity, state, waits);
  const counted = await first<{ total: number }>(
    here.sql,
    sql`select count(*) as total from row_state where ${condition}`,
  );
  const total = counted?.total ?? 0;
  const { number: page, from } = nearestPage(total, state.page, PAGE);
  const gone = await select<RowState>(
    here.sql,
    sql`select * from row_state where ${condition}
         order by deleted_at desc, row_id desc limit ${PAGE} offset ${from}`,
  );
  const keys = gone.map((one) => ({ entity: entity.name, id: one.row_id }));
  const isTravelling = here.destination !== null && !entity.isMatchedByName;
  const look = isTravelling ? await statusesAhead(here, keys) : nothing;
  const rows = gone.map((one) => ({
    state: one,
    status: look.next.get(keyText({ entity: entity.name, id: one.row_id })) ?? null,
  }));
  return { rows, total, page };
}

function matching(entity: Entity, state: ListState, waits: Map<number, PendingRow>) {
  const { search, statuses, changedBy } = state;
  const pattern = searchPattern(search);
  const ids = [...waits].flatMap(([id, { status }]) => (statuses.includes(status) ? [id] : []));
  const modified = modifiedIn(state);
  return sql`entity = ${entity.name} and deleted_at is not null
      and (${pattern} is null or row_id = ${idIn(search)} or ${textColumn('title')} regexp ${pattern ?? '.'})
      and (${statuses.length === 0} or row_id in (${ids}))
      and ${isByAndAt(
        {
          people: changedBy === '' ? null : [changedBy],
          from: modified?.from ?? null,
          until: modified?.to ?? null,
        },
        { person: sql`changed_by`, at: sql`deleted_at` },
      )}`;
}
