// The list pages and the search page, which are generated from the entity definitions.
import type { Request, Response } from 'express';
import { titleOf } from '../catalog/entity.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import { find } from '../rows/store.ts';
import { openSelections } from '../sheet/kept-selections.ts';
import { page } from '../web/pages.ts';
import { accountOf, can, textIn } from '../web/request.ts';
import { zoneOf } from '../web/viewer.ts';
import { bulkActions } from './bulk-actions.ts';
import { parseListState } from './list-state.ts';
import { listView } from './list-view.ts';
import { listRows } from './list.ts';
import { beyondLabel } from './destination-statuses.ts';

export async function list(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const asked = parseListState(entity, req.query, zoneOf(req));
  const found = await listRows(req.here, entity, asked, accountOf(req).email);
  const state = { ...asked, page: found.page };
  const canTransfer = can(req, 'transfer');
  const actions = bulkActions.filter(({ ability }) => can(req, ability));
  await page(req, res, 'catalog-pages/list', {
    title: entity.label.many,
    crumbs: [{ text: entity.label.many }],
    entity,
    state,
    listed: found,
    selects: !entity.isMatchedByName && (canTransfer || actions.length > 0),
    offersTransfer: canTransfer,
    actions,
    showsStatus: found.counts.ready !== null,
    openSelections: canTransfer ? await openSelections(req.here.sql) : [],
    beyondLabel: found.counts.ready === null ? null : beyondLabel(req.here),
    ...listView(req.here, entity, state, found),
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
