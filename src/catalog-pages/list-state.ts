// The state of a list is in its URL (tab, search, filters, sort, page), so that it can be bookmarked and
// shared.
import type { Request } from 'express';
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import type { Query } from '../rows/query.ts';
import { statuses, type Status } from '../state/status.ts';
import type { ExportFormat } from '../web/export.ts';
import { numberOrNull, textIn } from '../web/request.ts';
import { endOfDay, startOfDay } from '../web/zoned-day.ts';

export const tabs = ['all', 'ready', 'engineering', 'mine', 'held', 'deleted'] as const;
export type Tab = (typeof tabs)[number];

export type ListState = {
  tab: Tab;
  search: string;
  /** The list shows only rows with one of these statuses; if empty, rows with any status. */
  statuses: Status[];
  /** The first and the last day of the last change, in the time zone `zone`; empty for any day. */
  modifiedFrom: string;
  modifiedTo: string;
  zone: string;
  /** The e-mail of who changed the row last; empty for anyone. */
  changedBy: string;
  /** The search text and filter values as typed or chosen, without empty ones. */
  filters: Record<string, string>;
  sort: { field: string; descending: boolean };
  page: number;
};

export const PAGE = 50;

export const sortable = (entity: Entity): string[] => [
  'modified_at',
  'id',
  ...fieldEntries(entity)
    .filter(
      ([name, field]) =>
        name === entity.title || ['integer', 'choice', 'flag', 'instant'].includes(field.kind),
    )
    .map(([name]) => name),
];

/**
 * The fields by which a tab of a list can be filtered: none on *Deleted here*, because only the titles of deleted rows
 * are stored.
 */
export const filterableOn = (entity: Entity, tab: Tab) =>
  (tab === 'deleted' ? [] : fieldEntries(entity)).filter(
    ([, { kind, list, under }]) => under || (list && ['flag', 'choice'].includes(kind)),
  );

/** Parses the query of the URL of a list, for a person who reads times in `zone`. */
export function parseListState(entity: Entity, query: Request['query'], zone: string): ListState {
  const asked = [query['status']].flat();
  const sort = /^(-?)(.+)$/.exec(textIn(query, 'sort'));
  const field = sortable(entity).find((name) => name === sort?.[2]);
  const tab = tabs.find((one) => one === textIn(query, 'tab')) ?? 'all';
  const filters = filterableOn(entity, tab).flatMap(([name]) => {
    const value = textIn(query, name);
    return value === '' ? [] : [[name, value] as const];
  });
  return {
    tab,
    search: textIn(query, 'q').slice(0, 200),
    statuses: statuses.filter((status) => asked.includes(status)),
    modifiedFrom: dayIn(query, 'modified_from'),
    modifiedTo: dayIn(query, 'modified_to'),
    zone,
    changedBy: textIn(query, 'changed_by').slice(0, 200),
    filters: Object.fromEntries(filters),
    sort: field
      ? { field, descending: sort?.[1] === '-' }
      : { field: 'modified_at', descending: true },
    page: numberOrNull(textIn(query, 'page')) ?? 1,
  };
}

/** Returns the day that a filter names; empty for a day that does not exist. */
function dayIn(query: Request['query'], name: string): string {
  const day = textIn(query, name);
  return startOfDay(day, 'UTC') === null ? '' : day;
}

/** Returns the URL of a list in which some filters, the sort order or the page are changed. */
export function listHref(
  entity: Entity,
  state: ListState,
  change: Partial<ListState> = {},
): string {
  const query = listQuery(state, change);
  return `/catalog/${entity.name}${query.size > 0 ? `?${query.toString()}` : ''}`;
}

/** Returns the URL that exports all rows of a list, on every page. */
export function exportHref(entity: Entity, state: ListState, format: ExportFormat): string {
  const query = listQuery(state);
  query.set('format', format);
  return `/catalog/${entity.name}/export?${query.toString()}`;
}

function listQuery(state: ListState, change: Partial<ListState> = {}): URLSearchParams {
  const { tab, search, filters, sort, page, ...other } = { ...state, page: 1, ...change };
  const order = `${sort.descending ? '-' : ''}${sort.field}`;
  const pairs: [string, string][] = [
    ['tab', tab === 'all' ? '' : tab],
    ['q', search],
    ...other.statuses.map((status): [string, string] => ['status', status]),
    ['modified_from', other.modifiedFrom],
    ['modified_to', other.modifiedTo],
    ['changed_by', other.changedBy],
    ...Object.entries(filters),
    ['sort', order === '-modified_at' ? '' : order],
    ['page', page === 1 ? '' : String(page)],
  ];
  return new URLSearchParams(pairs.filter(([, value]) => value !== ''));
}

/**
 * Converts the values of filters to stored values. `picked`: the ids of the rows that the user
 * chose in pickers.
 */
export function filterValues(
  entity: Entity,
  { filters }: ListState,
  picked: Record<string, number>,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(filters).map(([name, chosen]): [string, Value] => {
      const field = entity.fields[name];
      if (field?.kind === 'flag') return [name, chosen === 'yes'];
      // No row has the id −1, so the filter finds nothing when the text in a picker names no row.
      if (field?.to) return [name, picked[name] ?? -1];
      return [name, chosen];
    }),
  );
}

/**
 * Returns the period that the filter by the last change describes, from the start of its first day to the end of its
 * last day; undefined if the filter names no day.
 */
export function modifiedIn({ modifiedFrom, modifiedTo, zone }: ListState): Query['modified'] {
  if (modifiedFrom === '' && modifiedTo === '') return undefined;
  return { from: startOfDay(modifiedFrom, zone), to: endOfDay(modifiedTo, zone) };
}
