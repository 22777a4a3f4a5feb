// Closes the server while its database is being updated or has another version than the program: people are signed
// out, posted forms are saved, and a page says why and when they can return.
import type { NextFunction, Request, Response } from 'express';
import { explain, type Compatibility } from '../version/compatibility.ts';
import { Unavailable } from '../problems.ts';
import { mayBring, mayRead, saveForm } from './saved-form.ts';
import { keptFor } from './saved-forms.ts';
import { sendPage } from './layout.ts';
import { flash } from './pages.ts';
import { localPath, textIn } from './request.ts';
import { any } from './form/body.ts';
import { readForm } from './form/read.ts';

const RETRY_AFTER = 10;

const alwaysOpen = new Set(['/healthcheck', '/readyz', '/api/v1/metadata']);
/** Health checks are always open, even when no database answers. */
export const isAlwaysOpen = ({ path }: Request) => alwaysOpen.has(path.replace(/\/$/, ''));
/** Actions that are allowed while the version is unknown, because they write nothing to the catalogue. */
const writesNothing = new Set(['/sign-in', '/sign-out', '/theme']);

export async function refuseIncompatible(req: Request, res: Response, next: NextFunction) {
  if (isAlwaysOpen(req)) return next();
  // If the version cannot be read, the request goes on: its next query meets the same problem and reports it.
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
 * Saves the posted form, if it comes from a page of this server and a browser in which someone has signed in; returns
 * whether it was saved.
 */
async function isSaved(req: Request): Promise<boolean> {
  if (!mayRead(req)) return false;
  await readForm(req, any, { mayCome: (token) => mayBring(req, token) });
  return saveForm(req);
}

type Closed = Extract<Compatibility, { kind: 'updating' | 'unsupported' }>;

/** The URL of the page that says why the server is closed, and later returns to `back`. */
const pageOf = ({ kind }: Closed, back: string) =>
  `/${kind === 'updating' ? 'updating' : 'update-application'}?return=${encodeURIComponent(back)}`;

/**
 * Answers a request of the API while the server is closed: with 503 and Retry-After during an update, with 426 when
 * program and database have different versions.
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
 * Shows the page *Updating the application*, which needs neither session nor MySQL. After the update it leads back to
 * the requested page by itself.
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
    back,
  });
}

/** Shows the page *Update application*: both versions, and the person to ask. */
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

/** What a page without a menu and a session gets. */
type Data = { title: string } & Record<string, unknown>;
const standAlone = (req: Request, res: Response, view: string, data: Data) =>
  sendPage(res, view, { ...data, theme: 'system', environment: req.here.name, shell: null });
