// Renders pages with the values that every page needs: the signed-in person, the environment, and what the person may
// do in this environment.
import type { Request, Response } from 'express';
import type { Ability } from '../access/permissions.ts';
import { entityNamed } from '../catalog/index.ts';
import { labelOf } from '../catalog/entity.ts';
import type { App } from '../environments/app.ts';
import { unread } from '../messages/channels/in-app.ts';
import { unreadElsewhere } from '../messages/elsewhere.ts';
import * as problems from '../problems.ts';
import * as words from './format.ts';
import { icon } from './icons.ts';
import { sendPage } from './layout.ts';
import { badge, cell, exactTime, person, sentence, time, wholeValue } from './partials.ts';
import { can } from './request.ts';
import { crumbsBack, returnOf, withReturn } from './return.ts';
import { csrfToken } from './security.ts';
import { menuOf } from './menu.ts';
import { barsOf, initialsOf, switchOf, themeOf } from './shell.ts';
import { formatFor, viewer, viewerOf } from './viewer.ts';

type Crumb = { text: string; href?: string };
type Data = { title: string; crumbs?: Crumb[] } & Record<string, unknown>;

/** Renders a view as a full page, with the menu and the bars (warnings at the top of the page), and sends the page. */
export async function page(req: Request, res: Response, view: string, data: Data) {
  const { here, account } = req;
  const { flash, flashLink = null } = req.visitor;
  delete req.visitor.flash;
  delete req.visitor.flashLink;
  const csrf = csrfToken(req);
  const theme = themeOf(req);
  const back = returnOf(req);
  // The viewer (time zone and names) is stored in the asynchronous context of the request. This context is lost when an
  // upload is read, so the viewer is set again while the page is rendered.
  await formatFor(await viewerOf(req), async () => {
    // The bell (the number of unread messages), the menu and the bars (warnings) are read at the same time, so that the
    // page waits only for the slowest of them.
    const [bell, menu, bars] = await Promise.all([
      account ? bellOf(req.house, account.email) : null,
      menuOf(req),
      barsOf(req),
    ]);
    return sendPage(res, view, {
      ...helpers,
      errors: {},
      ...data,
      csrf,
      theme,
      account: account ?? null,
      place: here.rules,
      environment: here.name,
      path: req.originalUrl,
      returnTo: back,
      withReturn: (href: string) => withReturn(href, back),
      destination: here.destination && here.destination.rules,
      can: (ability: Ability) => can(req, ability),
      shell: {
        zone: viewer().zone,
        account: account && { ...account, initials: initialsOf(account.name) },
        bell,
        stops: switchOf(req),
        menu,
        crumbs: account ? crumbsBack(data.crumbs ?? [], req.path, back) : [],
        bars,
        flash: flash === undefined ? null : { text: flash, link: flashLink },
      },
    });
  });
}

/** How many milliseconds a page waits for the number of the person’s unread messages in other environments. */
const BELL_MS = 150;

/** The unread messages of a person here and in the other environments. */
async function bellOf(house: App, person: string) {
  const [here, others] = await Promise.all([
    unread(house.sql, person),
    unreadElsewhere(house, person, BELL_MS),
  ]);
  const elsewhere = others.filter((one) => one.unread > 0);
  const total = elsewhere.reduce((sum, one) => sum + one.unread, here);
  const places = elsewhere.map((one) => `${words.count(one.unread)} in ${one.inText}`);
  const text = total === 0 ? 'No new messages' : words.newMessages(total);
  return { total: text, count: total, places: places.join(', ') };
}

/** Returns the label of an entity in the singular: `Form field` for `form_field`. */
const labelOne = (entity: string) => entityNamed(entity).label.one;
const helpers = {
  ...words,
  icon,
  cell,
  wholeValue,
  badge,
  time,
  exactTime,
  person,
  sentence,
  labelOf,
  labelOne,
};

const FLASH_LENGTH = 500;

/** Shows a message, with a link if one is given, on the next page that the browser opens, and only there. */
export function flash(
  req: Request,
  message: string,
  link: { href: string; text: string } | null = null,
) {
  req.visitor.flash = message.slice(0, FLASH_LENGTH);
  req.visitor.flashLink = link ?? undefined;
}

/** Returns the field errors of a refused form. Throws every other error again. */
function fieldErrors(error: unknown): problems.FieldErrors {
  if (error instanceof problems.Invalid) return error.fields;
  throw error;
}

/**
 * Runs `act`, which handles a posted form. If fields of the form are wrong, answers with status 422
 * and the page that `show` renders.
 */
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
