// Saved views: filters and order of a list that a person keeps under a name, for themselves or for everybody.
import { parse } from 'node:querystring';
import { v7 as uuid } from 'uuid';
import type { Entity } from '../catalog/entity.ts';
import { first, run, select, sql, type Queryable } from '../database/sql.ts';
import { Conflict, Invalid, NotFound } from '../problems.ts';
import { listHref, parseListState, type ListState } from './list-state.ts';

export type SavedView = {
  id: string;
  entity: string;
  person: string;
  name: string;
  /** The query of the list’s URL, as listHref() writes it. */
  query: string;
  shared: number;
};

/** How many views of one list a person can save. */
const MOST = 20;

/** The most views that a list offers. */
const LISTED = 60;

/** Lists the views of a list that this person saved, and those that others share with everybody. */
export const savedViews = (on: Queryable, entity: Entity, person: string) =>
  select<SavedView>(
    on,
    sql`select id, entity, person, name, query, shared from saved_view
         where entity = ${entity.name} and (person = ${person} or shared)
         order by person = ${person} desc, name
         limit ${LISTED}`,
  );

type Wanted = { name: string; state: ListState; isShared: boolean };

/**
 * Saves a view. A double click saves the view only once.
 * @throws Invalid when the name is empty or taken, or when the person has too many views of this list
 */
export async function saveView(on: Queryable, entity: Entity, person: string, wanted: Wanted) {
  const { name, isShared } = wanted;
  const query = queryOf(entity, wanted.state);
  refuseEmpty(name);
  if (query === '') throw new Invalid({ name: 'Filter or sort the list first, then save it.' });
  const added = await run(
    on,
    sql`insert ignore into saved_view (id, entity, person, name, query, shared)
        select ${uuid()}, ${entity.name}, ${person}, ${name}, ${query}, ${Number(isShared)} from dual
         where (select count(*) from saved_view
                 where entity = ${entity.name} and person = ${person}) < ${MOST}`,
  );
  if (added === 1) return;
  const twin = await first<SavedView>(
    on,
    sql`select query from saved_view
         where entity = ${entity.name} and person = ${person} and name = ${name}`,
  );
  if (!twin) throw new Invalid({ name: `You have ${MOST} views of this list. Delete one first.` });
  if (twin.query !== query) throw nameTaken();
}

/** The most characters that the query of a saved view may have. */
const LONGEST = 2000;

/** Returns the query that a saved view stores: the state of the list without its page number. */
function queryOf(entity: Entity, state: ListState): string {
  const query = listHref(entity, { ...state, page: 1 }).split('?')[1] ?? '';
  if (query.length > LONGEST) throw new Invalid({ name: 'These filters are too long to save.' });
  return query;
}

function refuseEmpty(name: string) {
  if (name === '') throw new Invalid({ name: 'Enter a name' });
}

const nameTaken = () => new Invalid({ name: 'You have another view with this name.' });

/**
 * Renames a view of this person, or shares it.
 * @throws Conflict when the view was deleted meanwhile, or belongs to another person
 */
export async function changeView(
  on: Queryable,
  { id, person }: Pick<SavedView, 'id' | 'person'>,
  { name, isShared }: Pick<Wanted, 'name' | 'isShared'>,
) {
  refuseEmpty(name);
  const found = await run(
    on,
    sql`update saved_view set name = ${name}, shared = ${Number(isShared)}
         where id = ${id} and person = ${person}`,
  ).catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ER_DUP_ENTRY') throw nameTaken();
    throw error;
  });
  if (found === 0) throw gone();
}

export async function removeView(on: Queryable, { id, person }: Pick<SavedView, 'id' | 'person'>) {
  const found = await run(on, sql`delete from saved_view where id = ${id} and person = ${person}`);
  if (found === 0) throw gone();
}

const gone = () => new Conflict('This view was deleted, or it is not yours.');

/** @throws NotFound when the view does not exist, or is the view of someone who does not share it */
export async function findView(on: Queryable, entity: Entity, id: string, person: string) {
  const view = await first<SavedView>(
    on,
    sql`select id, entity, person, name, query, shared from saved_view
         where id = ${id} and entity = ${entity.name} and (person = ${person} or shared)`,
  );
  if (!view) throw new NotFound('There is no such view. It may have been deleted.');
  return view;
}

/** Returns the URL of the list of a view, and the names of its filters that do not exist any more. */
export function opened(entity: Entity, { query }: Pick<SavedView, 'query'>, zone: string) {
  const stored = parse(query);
  const href = listHref(entity, parseListState(entity, stored, zone));
  const kept = new URLSearchParams(href.split('?')[1] ?? '');
  const dropped = Object.entries(stored).flatMap(([name, value]) =>
    [value ?? ''].flat().every((one) => kept.getAll(name).includes(one)) ? [] : [name],
  );
  return { href, dropped };
}

/** The name of a view and whether it is for everybody, as a form posted them. */
export type TypedView = { name: string; isShared: boolean };

/** The saved views of a list as its page shows them. */
export function savedViewsView(
  entity: Entity,
  state: ListState,
  { views, person, typed }: { views: SavedView[]; person: string; typed: TypedView | null },
) {
  const present = listHref(entity, { ...state, page: 1 });
  const shown = views.map((view) => ({
    ...view,
    href: `/catalog/${entity.name}/views/${view.id}`,
    isOwn: view.person === person,
    isCurrent: opened(entity, view, state.zone).href === present,
  }));
  const own = shown.find(({ isOwn, isCurrent }) => isOwn && isCurrent);
  const action = `/catalog/${entity.name}/views${own ? `/${own.id}` : ''}`;
  const query = present.split('?')[1] ?? '';
  return {
    views: shown,
    isShown: shown.length > 0 || query !== '',
    // A list without filters, in its usual order, has nothing that a view could save.
    form:
      query === ''
        ? null
        : {
            query,
            action,
            summary: own ? 'Change this view…' : 'Save this view…',
            removal: own ? `${action}/removal` : null,
            name: typed?.name ?? own?.name ?? '',
            isShared: typed?.isShared ?? own?.shared === 1,
            isOpen: typed !== null,
          },
  };
}
