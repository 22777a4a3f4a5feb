// Middleware for browsers that have opened a copy (staging database): the pages of the catalogue then show and change
// the copy, because `req.here` is the copy instead of this server’s own environment. Accounts, sessions and messages
// are always those of this server.
import type { NextFunction, Request, Response } from 'express';
import { appOn, type App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import type { Opened } from '../environments/opened.ts';
import { timeouts } from '../database/timeouts.ts';
import { inTime } from '../in-time.ts';
import { Conflict, Problem, Unavailable } from '../problems.ts';
import { explain } from '../version/compatibility.ts';
import { copyCookie, dropCookie, readCookie } from '../web/cookies.ts';
import { any } from '../web/form/body.ts';
import { readForm } from '../web/form/read.ts';
import { exactly } from '../web/format.ts';
import { flash } from '../web/pages.ts';
import { mayBring, saveForm } from '../web/saved-form.ts';
import { copyIn, isOurs } from '../web/security.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { openCopy } from './databases.ts';

/**
 * Completes or rolls back the writes that a killed process left unfinished in a copy (staging database).
 */
export type Recover = (here: App) => Promise<unknown>;

export const enterCopy = (recover: Recover) =>
  async function enter(req: Request, res: Response, next: NextFunction) {
    const { house } = req;
    const name = readCookie(req, copyCookie(req));
    if (name === '' || !req.account || house.settings.copies === null) return next();
    const copy = await copies.named(house.sql, name);
    if (copy?.state !== 'ready') return leaveGone(req, res, name);
    const opened = await openInTime(house, copy);
    res.once('close', opened.release);
    const here = await appOf(house, copy, { environment: opened.environment, recover });
    const standing = await here.compatibility();
    if (standing.kind !== 'open') {
      return leave(req, res, `${name} cannot be opened: ${explain(standing)} Bring it up to date.`);
    }
    req.here = here;
    req.copy = { name, client: copy.client, dataAt: copy.data_at, until: copy.until };
    next();
  };

/**
 * The App of each open copy, by its connection pool. All requests to a copy (staging database) share its App, so that
 * the version of the copy’s database is read once for many requests.
 */
const apps = new WeakMap<object, { app: App; recovered: Promise<unknown> }>();

async function appOf(
  house: App,
  copy: Copy,
  { environment, recover }: { environment: Environment; recover: Recover },
): Promise<App> {
  const known = apps.get(environment.sql);
  if (known) {
    await known.recovered;
    return known.app;
  }
  const app = appOn(house, environment);
  app.setup.orderedBy = copy.person;
  const recovered = recover(app).catch((error: unknown) =>
    house.log.warn({ err: error, copy: copy.name }, 'a copy was not recovered'),
  );
  apps.set(environment.sql, { app, recovered });
  await recovered;
  return app;
}

/**
 * Opens a copy (staging database), but waits only as long as a page may wait. If the servers of the copy respond after
 * that, the connection pools that were opened are released.
 */
async function openInTime(house: App, copy: Copy): Promise<Opened> {
  const opening = openCopy(house, copy);
  try {
    return await inTime(timeouts.page, opening);
  } catch (error) {
    opening.then(({ release }) => release()).catch(() => {});
    if (error instanceof Problem) throw error;
    throw new Unavailable(
      `The servers of the database ${copy.name} do not answer right now. Try again in a moment, or leave it under Databases (/databases): ${house.rules.inText} itself works.`,
      { cause: error },
    );
  }
}

async function leaveGone(req: Request, res: Response, name: string) {
  const copy = await copies.newestNamed(req.house.sql, name);
  await leave(req, res, `${whyGone(name, copy)} You are in ${req.house.rules.inText} again.`);
}

function whyGone(name: string, copy: Copy | undefined): string {
  if (!copy) return `There is no database ${name}.`;
  if (copy.ended_at === null) return `${name} is being worked on right now.`;
  if (copy.state === 'failed') return `${name} could not be made.`;
  return `${name} was dropped by ${copy.ended_by} on ${exactly(copy.ended_at)}.`;
}

/**
 * Ends the work of this browser in a copy (staging database), with a message that says why. If the request posts a
 * form, the form is saved, so that no typed values are lost.
 */
async function leave(req: Request, res: Response, why: string) {
  if (req.method === 'POST') {
    await readForm(req, any, { mayCome: (token) => mayBring(req, token) });
    const isKept = isOurs(req) && (await saveForm(req));
    dropCookie(req, res, copyCookie(req));
    flash(req, `${why} Nothing was saved. ${isKept ? 'What you typed is kept for a day.' : ''}`);
    return res.redirect(303, isKept ? '/saved-form' : '/databases');
  }
  dropCookie(req, res, copyCookie(req));
  flash(req, why);
  res.redirect(303, '/databases');
}

/**
 * Refuses a form that was opened in one database and posted after the user had opened another database in another tab.
 * The form is saved, so that no typed values are lost.
 */
export async function refuseOtherDatabase(req: Request, _res: Response, next: NextFunction) {
  const [posted, open] = [copyIn(req), req.copy?.name ?? null];
  if (posted === open || req.form.raw('csrf') === undefined) return next();
  const isKept = await saveForm(req);
  const named = (copy: string | null) => copy ?? req.house.rules.inText;
  throw new Conflict(
    `This page belongs to ${named(posted)}, and in another tab you have opened ${named(open)}. Nothing was saved. ${isKept ? 'What you typed is kept: open “Your unsaved form” (/saved-form) to send it where it belongs.' : `Open ${named(posted)} again, and repeat it.`}`,
  );
}
