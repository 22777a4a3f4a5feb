// API keys: an administrator makes one, gives it to an app, and takes it away again.
import type { Request, Response } from 'express';
import { catalog } from '../catalog/index.ts';
import type { FieldErrors } from '../problems.ts';
import { fieldErrors, flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import * as keys from './keys.ts';

declare module 'express-session' {
  interface SessionData {
    /** A key that was just made, until it is shown. */
    newKey: string;
  }
}

export const index = (req: Request, res: Response) => keysPage(req, res, {});

async function keysPage(req: Request, res: Response, errors: FieldErrors) {
  const { newKey } = req.session;
  if (newKey) delete req.session.newKey;
  const { scopes } = (req.body ?? {}) as { scopes?: string | string[] };
  res.set('Cache-Control', 'no-store');
  await page(req, res, 'api/keys', {
    title: 'API keys',
    crumbs: [{ text: 'API keys' }],
    keys: await keys.list(req.here.sql),
    entities: catalog,
    EVERYTHING: keys.EVERYTHING,
    newKey,
    errors,
    typed: { name: textIn(req.body, 'name'), scopes: [scopes ?? []].flat() },
  });
}

export async function add(req: Request, res: Response) {
  try {
    req.session.newKey = await keys.create(req.here, accountOf(req).email, req.body);
    res.redirect(303, '/api-keys');
  } catch (error) {
    const errors = fieldErrors(error);
    res.status(422);
    await keysPage(req, res, errors);
  }
}

export async function revoke(req: Request, res: Response) {
  await keys.revoke(req.here, accountOf(req).email, numberOrNull(req.params['id']) ?? 0);
  flash(req, 'The key is revoked.');
  res.redirect(303, '/api-keys');
}
