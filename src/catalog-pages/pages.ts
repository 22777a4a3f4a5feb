// The list pages and the search page, which are generated from the entity definitions.
import type { Request, Response } from 'express';
import { titleOf } from '../catalog/entity.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import type { FieldErrors } from '../problems.ts';
import { find } from '../rows/store.ts';
import { settleAll } from '../settle-all.ts';
import { offeredSelections } from '../sheet/selection-list-page.ts';
import { page } from '../web/pages.ts';
import { accountOf, can, textIn } from '../web/request.ts';
import { zoneOf } from '../web/viewer.ts';
import { bulkActions, mostFor } from './bulk-actions.ts';
import { parseListState } from './list-state.ts';
import { listView } from './list-view.ts';
import { listRows } from './list.ts';
import { tickedIn } from './ticked.ts';
import { savedViews, savedViewsView, type TypedView } from './saved-views.ts';
import { beyondLabel } from './destination-statuses.ts';

export const list = (req: Request, res: Response) => listPage(req, res, req.query);

/** Whether the person may share a saved view with everybody. */
export const mayShareViews = (req: Request): boolean => can(req, 'edit') || can(req, 'transfer');

/** A saved view that was refused: what the user typed, and the errors. */
type WrongView = { errors: FieldErrors; typed: TypedView };

/** Shows the list that a query describes. */
export async function listPage(
  req: Request,
  res: Response,
  query: Request['query'],
  wrong: WrongView | null = null,
) {
  const entity = entityNamed(String(req.params['entity']));
  const asked = parseListState(entity, query, zoneOf(req));
  const { email } = accountOf(req);
  const [found, views, openSelections] = await settleAll([
    listRows(req.here, entity, asked, email),
    savedViews(req.house.sql, entity, email),
    offeredSelections(req),
  ]);
  const state = { ...asked, page: found.page };
  const canTransfer = can(req, 'transfer');
  const actions = bulkActions.filter(({ ability }) => can(req, ability));
  await page(req, res, 'catalog-pages/list', {
    title: wrong ? `Error: ${entity.label.many}` : entity.label.many,
    crumbs: [{ text: entity.label.many }],
    errors: wrong?.errors ?? {},
    mayShare: mayShareViews(req),
    saved: savedViewsView(entity, state, {
      views,
      person: email,
      typed: wrong?.typed ?? null,
    }),
    entity,
    state,
    listed: found,
    selects: !entity.isMatchedByName && (canTransfer || actions.length > 0),
    offersTransfer: canTransfer,
    actions,
    showsStatus: found.counts.ready !== null,
    openSelections,
    beyondLabel: found.counts.ready === null ? null : beyondLabel(req.here),
    ...listView(req.here, entity, state, {
      ...found,
      most: mostFor(req),
      ticked: tickedIn(query),
    }),
  });
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
