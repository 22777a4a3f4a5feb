// What every page needs: the person, the environment, and the permissions here.
import type { Request, Response } from 'express';
import type { Ability } from '../access/permissions.ts';
import { entityNamed } from '../catalog/index.ts';
import { labelOf } from '../catalog/entity.ts';
import { unread } from '../messages/channels/in-app.ts';
import * as problems from '../problems.ts';
import * as words from './format.ts';
import { icon } from './icons.ts';
import { sendPage } from './layout.ts';
import { badge, cell } from './partials.ts';
import { can } from './request.ts';
import { csrfToken } from './security.ts';
import { barsOf, initialsOf, menuOf, stopsOf, themeOf } from './shell.ts';

type Crumb = { text: string; href?: string };
type Data = { title: string; crumbs?: Crumb[] } & Record<string, unknown>;

/** Renders a full page with menu and bars. */
export async function page(req: Request, res: Response, view: string, data: Data) {
  const { here, account } = req;
  const { flash } = req.visitor;
  delete req.visitor.flash;
  const csrf = csrfToken(req);
  const theme = themeOf(req);
  await sendPage(res, view, {
    ...helpers,
    errors: {},
    ...data,
    csrf,
    theme,
    account: account ?? null,
    place: here.rules,
    environment: here.name,
    path: req.originalUrl,
    destination: here.destination && here.destination.rules,
    can: (ability: Ability) => can(req, ability),
    shell: {
      account: account && { ...account, initials: initialsOf(account.name) },
      unread: account ? await unread(req.house.sql, account.email) : 0,
      stops: stopsOf(req),
      menu: await menuOf(req),
      crumbs: account ? (data.crumbs ?? []) : [],
      bars: await barsOf(req),
      flash: flash ?? null,
    },
  });
}

/** The label of an entity for one row: `Form field` for `form_field`. */
const labelOne = (entity: string) => entityNamed(entity).label.one;
const helpers = { ...words, icon, cell, badge, labelOf, labelOne };

const FLASH_LENGTH = 500;

/** Shows a message once, on the next page. */
export function flash(req: Request, message: string) {
  req.visitor.flash = message.slice(0, FLASH_LENGTH);
}

/** The field errors of a form; every other error is thrown again. */
function fieldErrors(error: unknown): problems.FieldErrors {
  if (error instanceof problems.Invalid) return error.fields;
  throw error;
}

/** Does what a form asks for; if its fields are wrong, answers 422 with the page that `show` renders. */
export async function orShowErrors(
  res: Response,
  act: () => Promise<void>,
  show: (errors: problems.FieldErrors) => Promise<void>,
) {
  try {
    await act();
  } catch (error) {
    const errors = fieldErrors(error);
    res.status(422);
    await show(errors);
  }
}
