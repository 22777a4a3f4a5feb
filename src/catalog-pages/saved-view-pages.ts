// Handlers of the saved views of a list.
import { parse } from 'node:querystring';
import type { Request, Response } from 'express';
import { labelOf, type Entity } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { Forbidden } from '../problems.ts';
import { flash, orShowErrors } from '../web/pages.ts';
import { accountOf } from '../web/request.ts';
import { zoneOf } from '../web/viewer.ts';
import { listHref, parseListState } from './list-state.ts';
import { listPage, mayShareViews } from './pages.ts';
import * as views from './saved-views.ts';

/** Opens a saved view, and says which of its filters do not exist any more. */
export async function open(req: Request, res: Response) {
  const entity = entityOf(req);
  const { email } = accountOf(req);
  const view = await views.findView(req.house.sql, entity, idOf(req), email);
  const { href, dropped } = views.opened(entity, view, zoneOf(req));
  if (dropped.length > 0) {
    const names = dropped.map((name) => (entity.fields[name] ? labelOf(entity, name) : name));
    flash(
      req,
      `“${view.name}” no longer filters by ${names.join(', ')}: that filter does not exist.`,
    );
  }
  res.redirect(303, href);
}

export const save = (req: Request, res: Response) =>
  orShowList(req, res, async (entity) => {
    const { email: person } = accountOf(req);
    const name = nameIn(req);
    const state = stateIn(req, entity);
    await views.saveView(req.house.sql, entity, person, { name, state, isShared: isShared(req) });
    flash(req, `Saved as “${name}”.`);
    res.redirect(303, listHref(entity, state));
  });

export const change = (req: Request, res: Response) =>
  orShowList(req, res, async (entity) => {
    const own = { id: idOf(req), person: accountOf(req).email };
    const name = nameIn(req);
    await views.changeView(req.house.sql, own, { name, isShared: isShared(req) });
    flash(req, `Saved as “${name}”.`);
    res.redirect(303, listHref(entity, stateIn(req, entity)));
  });

export async function remove(req: Request, res: Response) {
  const entity = entityOf(req);
  await views.removeView(req.house.sql, { id: idOf(req), person: accountOf(req).email });
  flash(req, 'View deleted. Its rows are unchanged.');
  res.redirect(303, `/catalog/${entity.name}`);
}

async function orShowList(req: Request, res: Response, act: (entity: Entity) => Promise<void>) {
  const entity = entityOf(req);
  await orShowErrors(
    res,
    () => act(entity),
    (errors) => {
      const typed = { name: req.form.text('name'), isShared: req.form.text('shared') !== '' };
      return listPage(req, res, parse(req.form.text('query')), { errors, typed });
    },
  );
}

/**
 * Whether the posted view is for everybody. Only people who may edit or transfer in this
 * environment may share a view.
 */
function isShared(req: Request): boolean {
  const asked = req.form.text('shared') !== '';
  if (asked && !mayShareViews(req))
    throw new Forbidden('Only people who may edit here may share a view.');
  return asked;
}

const nameIn = (req: Request) => req.form.textUpTo(60, 'name', 'Name');
const stateIn = (req: Request, entity: Entity) =>
  parseListState(entity, parse(req.form.text('query')), zoneOf(req));
const entityOf = (req: Request) => entityNamed(String(req.params['entity']));
const idOf = (req: Request) => String(req.params['id']);
