// What every page needs: the person, the environment, and what may be done here.
import type { Request, Response } from 'express';
import { isOpenedForEditing, may, type Ability } from '../access/permissions.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import { labelOf } from '../catalog/entity.ts';
import { select, sql } from '../database/sql.ts';
import { ladder, rulesOf } from '../environments/rules.ts';
import { cachedFor } from '../database/cached-for.ts';
import { unread } from '../messages/channels/in-app.ts';
import * as problems from '../problems.ts';
import { icon } from './icons.ts';
import { cell } from './partials.ts';
import { csrfToken } from './security.ts';
import * as words from './format.ts';

type Crumb = { text: string; href?: string };
type Data = { title: string; crumbs?: Crumb[] } & Record<string, unknown>;

/** Renders a full page inside the shell. */
export async function page(req: Request, res: Response, view: string, data: Data) {
  const { here, account } = req;
  const { flash } = req.session;
  if (flash) delete req.session.flash;
  const counts = account ? await rowCounts(req) : new Map<string, number>();
  res.render(view, {
    ...helpers,
    crumbs: [],
    errors: {},
    flash,
    ...data,
    account,
    csrf: csrfToken(req),
    path: req.originalUrl,
    theme: themeOf(req),
    place: here.rules,
    environment: here.name,
    destination: here.destination && here.destination.rules,
    isOpened: isOpenedForEditing(here.setup),
    isReadOnly: !may({ permissions: ['editor', 'product_manager'] }, 'edit', here.setup),
    can: (ability: Ability) => account !== undefined && may(account, ability, here.setup),
    stops: stopsOf(req),
    isVersionKnown: (await here.compatibility().catch(() => null))?.kind !== 'unknown',
    unread: account ? await unread(here.sql, account.email) : 0,
    menu: catalog.map((entity) => ({ ...entity, count: counts.get(entity.name) ?? 0 })),
  });
}

/** `Form field` for `form_field`. */
const labelOne = (entity: string) => entityNamed(entity).label.one;
const helpers = { ...words, icon, cell, labelOf, labelOne, isArray: Array.isArray };

async function rowCounts({ here }: Request): Promise<Map<string, number>> {
  const lines = await cachedFor(here.sql, 'menu', () =>
    select<{ entity: string; rows_count: number }>(
      here.sql,
      sql`select entity, count(*) as rows_count from row_state where deleted_at is null group by entity`,
    ),
  );
  return new Map(lines.map(({ entity, rows_count }) => [entity, rows_count]));
}

/** Links to the other environments' servers, at the same record. */
function stopsOf(req: Request) {
  const { here, originalUrl } = req;
  const path = originalUrl.startsWith('/catalog/') ? originalUrl.split('?')[0] : '/';
  const shown = ladder.includes(here.name) ? ladder : [here.name, ...ladder];
  return shown.map((name) => ({
    name,
    label: rulesOf(name).label,
    isHere: name === here.name,
    href: here.settings.urls[name] ? `${here.settings.urls[name]}${path}` : null,
  }));
}

const themes = ['light', 'dark', 'system'] as const;
export const isTheme = (theme: string) => themes.some((one) => one === theme);

function themeOf(req: Request): string {
  const theme = /(?:^|;\s*)theme=(\w+)/.exec(req.get('Cookie') ?? '')?.[1] ?? 'system';
  return isTheme(theme) ? theme : 'system';
}

/** Shows a message once, on the next page. */
export function flash(req: Request, message: string) {
  req.session.flash = message;
}

/** Field errors of a form; rethrows every other problem. */
export function fieldErrors(error: unknown): problems.FieldErrors {
  if (error instanceof problems.Invalid) return error.fields;
  throw error;
}
