// The catalogue's pages, derived from the entities: home, list, search.
import type { Request, Response } from 'express';
import { fieldEntries, labelOf, titleOf, type Entity } from '../catalog/entity.ts';
import { catalog, entityNamed, travelling } from '../catalog/index.ts';
import { find } from '../rows/store.ts';
import { may } from '../access/permissions.ts';
import * as selections from '../sheet/selections.ts';
import { page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import { formatChoice } from '../web/format.ts';
import {
  filterable,
  listHref,
  PAGE,
  parseListState,
  sortable,
  type ListState,
} from './list-state.ts';
import { beyondLabel, listRows } from './list.ts';
import { isReadyToSend, pendingRows, type PendingRow } from '../state/pending.ts';

export async function home(req: Request, res: Response) {
  const { here } = req;
  const rows = [];
  for (const entity of travelling.filter(({ owner }) => owner === null)) {
    const waits = here.destination
      ? await pendingRows(here.sql, entity)
      : new Map<number, PendingRow>();
    const all = [...waits.values()].filter(({ isHeld }) => !isHeld);
    const ready = all.filter(isReadyToSend).length;
    const engineering = all.filter(({ isEngineering }) => isEngineering).length;
    rows.push({ entity, ready, engineering, other: all.length - ready - engineering });
  }
  await page(req, res, 'catalog-pages/home', { title: 'Home', rows });
}

export async function list(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const state = parseListState(entity, req.query);
  const found = await listRows(req.here, entity, state, accountOf(req).email);
  await page(req, res, 'catalog-pages/list', {
    title: entity.label.many,
    crumbs: [{ text: entity.label.many }],
    entity,
    state: { ...state, page: found.page },
    listed: found,
    selections: may(accountOf(req), 'transfer', req.here.setup)
      ? await selections.namedSelections(req.here.sql)
      : [],
    columns: fieldEntries(entity).filter(([name, field]) => field.list && name !== entity.title),
    filters: filterable(entity),
    chips: chipsOf(entity, state),
    sortable: sortable(entity),
    pages: Math.max(1, Math.ceil(found.total / PAGE)),
    href: (change: Partial<ListState>) => listHref(entity, state, change),
    beyondLabel: beyondLabel(req.here),
  });
}

/** Active filters, each with the address that removes it. */
function chipsOf(entity: Entity, state: ListState) {
  const chips = Object.entries(state.filters).map(([name, value]) => {
    const { [name]: _gone, ...filters } = state.filters;
    const words = entity.fields[name]?.to ? value : formatChoice(value);
    return {
      text: `${labelOf(entity, name)}: ${words}`,
      href: listHref(entity, state, { filters }),
    };
  });
  if (state.search) {
    chips.push({ text: `Search: ${state.search}`, href: listHref(entity, state, { search: '' }) });
  }
  if (state.status) {
    chips.push({ text: `Status: ${state.status}`, href: listHref(entity, state, { status: '' }) });
  }
  return chips;
}

/** What a picker offers while someone types: `{ options: ["Sunrise Clinic #412"] }`. */
export async function options(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const { rows } = await find(req.here, entity, {
    search: textIn(req.query, 'q').replace(/\s*#\d+$/, ''),
    filters: {},
    sort: { field: entity.title, descending: false },
    limit: 20,
    offset: 0,
  });
  res.json({ options: rows.map((row) => `${titleOf(entity, row)} #${row.id}`) });
}

export async function search(req: Request, res: Response) {
  const query = textIn(req.query, 'q').slice(0, 200);
  const groups = [];
  for (const entity of query === '' ? [] : catalog) {
    const sort = { field: 'modified_at', descending: true };
    const found = await find(req.here, entity, {
      search: query,
      filters: {},
      sort,
      limit: 8,
      offset: 0,
    });
    if (found.total > 0) {
      const rows = found.rows.map((row) => ({ id: row.id, title: titleOf(entity, row) }));
      groups.push({ entity, rows, total: found.total });
    }
  }
  await page(req, res, 'catalog-pages/search', {
    title: 'Search',
    crumbs: [{ text: 'Search' }],
    query,
    groups,
  });
}
