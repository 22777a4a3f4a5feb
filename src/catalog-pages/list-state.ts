// The state of a list is in its URL (tab, search, filters, sort, page), so that it can be bookmarked and
// shared.
import type { Request } from 'express';
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import { statuses, type Status } from '../state/status.ts';
import type { ExportFormat } from '../web/export.ts';
import { numberOrNull, textIn } from '../web/request.ts';

export const tabs = ['all', 'ready', 'engineering', 'mine', 'held', 'deleted'] as const;
export type Tab = (typeof tabs)[number];

export type ListState = {
  tab: Tab;
  search: string;
  status: Status | '';
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

/** The fields by which a list can be filtered. */
export const filterable = (entity: Entity) =>
  fieldEntries(entity).filter(
    ([, { kind, list, under }]) => under || (list && ['flag', 'choice'].includes(kind)),
  );

export function parseListState(entity: Entity, query: Request['query']): ListState {
  const sort = /^(-?)(.+)$/.exec(textIn(query, 'sort'));
  const field = sortable(entity).find((name) => name === sort?.[2]);
  const filters = filterable(entity).flatMap(([name]) => {
    const value = textIn(query, name);
    return value === '' ? [] : [[name, value] as const];
  });
  return {
    tab: tabs.find((tab) => tab === textIn(query, 'tab')) ?? 'all',
    search: textIn(query, 'q').slice(0, 200),
    status: statuses.find((status) => status === textIn(query, 'status')) ?? '',
    filters: Object.fromEntries(filters),
    sort: field
      ? { field, descending: sort?.[1] === '-' }
      : { field: 'modified_at', descending: true },
    page: numberOrNull(textIn(query, 'page')) ?? 1,
  };
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
  const { tab, search, status, filters, sort, page } = { ...state, page: 1, ...change };
  const order = `${sort.descending ? '-' : ''}${sort.field}`;
  const pairs: [string, string][] = [
    ['tab', tab === 'all' ? '' : tab],
    ['q', search],
    ['status', status],
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
