// Closes the server while its database is being updated to another version, or has another version than the program.
// People are then signed out, posted forms are saved, and a page says why the server is closed and when people can
// return.
import type { NextFunction, Request, Response } from 'express';
import { explain, type Compatibility } from '../version/compatibility.ts';
import { Unavailable } from '../problems.ts';
import { mayBring, mayRead, saveForm } from './saved-form.ts';
import { keptFor } from './saved-forms.ts';
import { sendPage } from './layout.ts';
import { exactly } from './format.ts';
import { flash } from './pages.ts';
import { localPath, textIn } from './request.ts';
import { formatFor, zoneOf } from './viewer.ts';
import { any } from './form/body.ts';
import { readForm } from './form/read.ts';

const RETRY_AFTER = 10;

const alwaysOpen = new Set(['/healthcheck', '/readyz', '/api/v1/metadata']);
/**
 * Whether a request is a health check or asks for the database version. Such requests are always
 * answered, even if no database responds.
 */
export const isAlwaysOpen = ({ path }: Request) => alwaysOpen.has(path.replace(/\/$/, ''));
/**
 * Paths to which people may post while the version of the database is unknown, because these actions write nothing to
 * the catalogue.
 */
const writesNothing = new Set(['/sign-in', '/sign-out', '/theme', '/zone']);

export async function refuseIncompatible(req: Request, res: Response, next: NextFunction) {
  if (isAlwaysOpen(req)) return next();
  // If the version cannot be read, the request continues. Its next query fails for the same reason
  // and reports the error.
  const standing = await req.here.compatibility().catch(() => null);
  if (standing === null || standing.kind === 'open') return next();
  if (standing.kind === 'unknown') {
    if (req.method === 'GET' || req.method === 'HEAD' || writesNothing.has(req.path)) return next();
    if (!(await isSaved(req))) {
      throw new Unavailable(explain(standing));
    }
    flash(req, `${explain(standing)} What you typed is kept for ${keptFor}.`);
    return res.redirect(303, '/saved-form');
  }
  if (/^\/(api|bridge)\//.test(req.path)) return answerApi(res, standing);
  const isKept = req.method === 'POST' && (await isSaved(req));
  const back = isKept ? '/saved-form' : req.method === 'GET' ? req.originalUrl : '/';
  await signOut(req);
  res.redirect(303, pageOf(standing, back));
}

/**
 * Saves the posted form if it comes from a page of this server and from a browser in which someone
 * has signed in. Returns whether the form was saved.
 */
async function isSaved(req: Request): Promise<boolean> {
  if (!mayRead(req)) return false;
  await readForm(req, any, { mayCome: (token) => mayBring(req, token) });
  return saveForm(req);
}

type Closed = Extract<Compatibility, { kind: 'updating' | 'unsupported' }>;

/**
 * Returns the URL of the page that says why the server is closed. When the server is open again,
 * that page leads to `back`.
 */
const pageOf = ({ kind }: Closed, back: string) =>
  `/${kind === 'updating' ? 'updating' : 'update-application'}?return=${encodeURIComponent(back)}`;

/**
 * Answers an API request while the server is closed: with 503 and Retry-After during a version update of the database,
 * with 426 if the program and the database have different versions.
 */
function answerApi(res: Response, standing: Closed) {
  const isUpdating = standing.kind === 'updating';
  if (isUpdating) res.set('Retry-After', String(RETRY_AFTER));
  const code = isUpdating ? 'database_updating' : 'version_unsupported';
  res.status(isUpdating ? 503 : 426).json({ error: { code, message: explain(standing) } });
}

const signOut = (req: Request) =>
  new Promise<void>((resolve) => {
    req.session.destroy(() => resolve());
  });

/**
 * Shows the page *Updating the application*, which works without a session and without MySQL. When the version update
 * of the database is over, this page opens the requested page by itself.
 */
export async function showUpdating(req: Request, res: Response) {
  const standing = await req.here.compatibility().catch(() => null);
  const back = localPath(textIn(req.query, 'return'), '/');
  if (standing?.kind === 'unsupported') return res.redirect(303, pageOf(standing, back));
  if (standing !== null && standing.kind !== 'updating') return res.redirect(303, back);
  res.set('Retry-After', String(RETRY_AFTER)).status(503);
  await standAlone(req, res, 'web/updating', {
    title: 'Updating the application',
    since: standing?.since ?? null,
    sinceText: formatFor({ zone: zoneOf(req), names: new Map() }, () =>
      exactly(standing?.since ?? ''),
    ),
    back,
  });
}

/**
 * Shows the page *Update application*: the versions of the program and of the database, and whom to
 * ask.
 */
export async function showUpdateApplication(req: Request, res: Response) {
  const standing = await req.here.compatibility().catch(() => null);
  const back = localPath(textIn(req.query, 'return'), '/');
  if (standing?.kind === 'updating') return res.redirect(303, pageOf(standing, back));
  if (standing?.kind !== 'unsupported') return res.redirect(303, back);
  res.status(426);
  await standAlone(req, res, 'web/update-application', {
    title: 'Update application',
    database: standing.database,
    supported: standing.supported,
    back,
  });
}

/** The values for the template of a page that has no menu and needs no session. */
type Data = { title: string } & Record<string, unknown>;
const standAlone = (req: Request, res: Response, view: string, data: Data) =>
  sendPage(res, view, { ...data, theme: 'system', environment: req.here.name, shell: null });
