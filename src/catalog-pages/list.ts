// The list page: rows with their status in the next environments, read in a fixed number of queries.
import {
  keysFrom,
  keyText,
  titleOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { misfitsOf } from '../catalog/misfits.ts';
import { select, sql } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { cachedFor } from '../database/cached-for.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { settleAll } from '../settle-all.ts';
import { find, findIds, unreadable } from '../rows/store.ts';
import { isNarrowed, type Query } from '../rows/query.ts';
import { countCached } from '../state/row-counts.ts';
import { readStates, type RowState } from '../state/row-state.ts';
import type { Status } from '../state/status.ts';
import { titlesOf, untouchedStates } from '../state/untouched.ts';
import { deletedRows, type DeletedRow } from './deleted-rows.ts';
import { PAGE, type ListState, type Tab } from './list-state.ts';
import { among, queryOf, readyIds } from './list-query.ts';
import { pendingRows, type PendingRow } from '../state/pending.ts';
import { nothing, statusesAhead } from './destination-statuses.ts';

type Listed = {
  id: number;
  title: string;
  row: Row;
  /** Descriptions of invalid stored values, such as `Options is not a list of texts`. */
  misfits: string[];
  state: RowState | undefined;
  status: Status | null;
  /** The status in the environment after the destination, as the destination last observed it. */
  beyond: Status | null;
};

export type Listing = {
  rows: Listed[];
  page: number;
  total: number;
  /** How many of all rows that match the filters, on every page of the list, are ready to transfer. */
  ready: number;
  counts: Record<Tab, number | null>;
  /** Titles of referenced rows, by key text such as `task:12`. */
  titles: Map<string, string>;
  /** Rows that were deleted here, on the tab *Deleted here*. */
  deleted: DeletedRow[];
  /** Documents that cannot be listed, each with the reason. */
  unreadable: string[];
  /** Who changed rows of this entity, by e-mail, for the filter by person. */
  people: string[];
  /** When the destination was last observed; set only if the destination does not answer now. */
  lastSeen: string | null;
  /** Why the destination could not be compared, as a sentence; null when it was compared. */
  trouble: string | null;
};

export async function listRows(
  here: App,
  entity: Entity,
  state: ListState,
  person: string,
): Promise<Listing> {
  const isTravelling = here.destination !== null && !entity.isMatchedByName;
  // The counts on the tabs may come from a cache that is up to five seconds old. The listed rows
  // must be up to date, so pending rows are read again if the open tab or the status filter depends
  // on them.
  const isCountedOnly = state.tab !== 'ready' && state.statuses.length === 0;
  const waits = !isTravelling
    ? new Map<number, PendingRow>()
    : isCountedOnly
      ? await cachedFor(here.sql, `waiting ${entity.name}`, () => pendingRows(here.sql, entity))
      : await pendingRows(here.sql, entity);
  const query = await queryOf(here, entity, state, person, waits);
  const found = await findOnAPage(here, entity, query);
  const known = new Map(
    found.rows.map((row) => [keyText({ entity: entity.name, id: row.id }), row]),
  );
  const [{ look, states }, gone, ready, counts, titles, people, unreadableRows] = await settleAll([
    lookAhead(here, isTravelling, known),
    state.tab === 'deleted' ? deletedRows(here, entity, state, waits) : null,
    countReady(here, entity, query, found, waits),
    tabCounts(here, entity, person, waits),
    titlesOf(here, referencedKeys(entity, found.rows)),
    peopleOf(here, entity),
    unreadable(here, entity),
  ]);
  return {
    rows: found.rows.map((row) => {
      const text = keyText({ entity: entity.name, id: row.id });
      return {
        id: row.id,
        title: titleOf(entity, row),
        row,
        misfits: misfitsOf(row).map(({ message }) => message),
        state: states.get(text),
        status: look.next.get(text) ?? null,
        beyond: look.beyond.get(text) ?? null,
      };
    }),
    total: (gone ?? found).total,
    page: (gone ?? found).page,
    ready,
    counts,
    titles,
    deleted: gone?.rows ?? [],
    people,
    unreadable: unreadableRows,
    lastSeen: look.lastSeen,
    trouble: look.trouble,
  };
}

/**
 * Counts the rows on all pages of a list that are ready to transfer. A query is needed only if the list is filtered and
 * has several pages.
 */
async function countReady(
  here: App,
  entity: Entity,
  query: Query,
  found: { rows: Row[]; total: number },
  waits: Map<number, PendingRow>,
): Promise<number> {
  const ids = readyIds(waits);
  if (!isNarrowed(query)) return ids.length;
  if (found.total === found.rows.length) {
    const ready = new Set(ids);
    return found.rows.filter(({ id }) => ready.has(id)).length;
  }
  return ids.length === 0 ? 0 : (await findIds(here, entity, among(query, ids))).length;
}

/** Returns the statuses of these rows in the next environments, and their recorded states. */
async function lookAhead(here: App, isTravelling: boolean, rows: Map<string, Row>) {
  const look = isTravelling ? await statusesAhead(here, keysFrom([...rows.keys()]), rows) : nothing;
  return { look, states: await statesOf(here, rows, look.pairs) };
}

/** Returns the recorded states of these rows. `pairs` already contains the states of rows that were just compared. */
async function statesOf(here: App, rows: Map<string, Row>, pairs: Map<string, RowPair>) {
  const states =
    pairs.size > 0
      ? new Map([...rows.keys()].flatMap((text) => stateIn(pairs, text)))
      : await readStates(here.sql, keysFrom([...rows.keys()]));
  const others = new Map([...rows].filter(([text]) => !states.has(text)));
  for (const [text, state] of await untouchedStates(here.sql, others)) states.set(text, state);
  return states;
}

function stateIn(pairs: Map<string, RowPair>, text: string): [string, RowState][] {
  const state = pairs.get(text)?.state;
  return state ? [[text, state]] : [];
}

/** Finds the rows of one page of a list; a page number beyond the end gives the last page. */
async function findOnAPage(here: App, entity: Entity, query: Query) {
  const found = await find(here, entity, query);
  if (found.rows.length > 0 || found.total === 0)
    return { ...found, page: query.offset / PAGE + 1 };
  const page = Math.ceil(found.total / PAGE);
  return { ...(await find(here, entity, { ...query, offset: (page - 1) * PAGE })), page };
}

async function tabCounts(
  here: App,
  entity: Entity,
  person: string,
  waits: Map<number, PendingRow>,
): Promise<Listing['counts']> {
  const [counts] = await cachedFor(here.sql, `tabs ${entity.name} ${person}`, () =>
    select<{
      engineering: number;
      mine: number;
      held: number;
      deleted: number;
    }>(
      here.sql,
      sql`select cast(coalesce(sum(deleted_at is null and engineering_by is not null), 0) as signed) as engineering,
               cast(coalesce(sum(deleted_at is null and changed_by = ${person}), 0) as signed) as mine,
               cast(coalesce(sum(deleted_at is null and held_at is not null), 0) as signed) as held,
               cast(coalesce(sum(deleted_at is not null), 0) as signed) as deleted
          from row_state where entity = ${entity.name}`,
    ),
  );
  const isTravelling = here.destination !== null && !entity.isMatchedByName;
  const ready = readyIds(waits).length;
  const or = (shown: boolean, number: number | undefined) => (shown ? (number ?? 0) : null);
  return {
    all: await countCached(here, entity),
    ready: or(isTravelling, ready),
    engineering: or(isTravelling, counts?.engineering),
    mine: or(true, counts?.mine),
    held: or(isTravelling, counts?.held),
    deleted: or(true, counts?.deleted),
  };
}

const peopleOf = (here: App, entity: Entity): Promise<string[]> =>
  cachedFor(here.sql, `people of ${entity.name}`, async () => {
    const lines = await select<{ person: string }>(
      here.sql,
      sql`select distinct changed_by as person from row_state
           where entity = ${entity.name} and deleted_at is null`,
    );
    return lines.map(({ person }) => person);
  });

const referencedKeys = (entity: Entity, rows: Row[]): RowKey[] =>
  Object.entries(entity.fields).flatMap(([name, { to, list }]) =>
    to && list
      ? rows.flatMap((row) =>
          typeof row[name] === 'number' ? [{ entity: to, id: row[name] }] : [],
        )
      : [],
  );
