// The page of API keys: an administrator creates a key, gives it to an app, rotates and revokes it.
import type { Request, Response } from 'express';
import * as credentials from '../access/credentials.ts';
import { isUsable } from '../access/key-state.ts';
import { catalog } from '../catalog/index.ts';
import { NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as keys from './keys.ts';
import { entitiesWithSecrets, secretScopeOf, secretsLabel } from './secrets.ts';

declare module 'express-session' {
  interface SessionData {
    /** A newly created key, until the page has shown its secret. */
    newKey: string;
  }
}

export const index = (req: Request, res: Response) => keysPage(req, res, {});

async function keysPage(req: Request, res: Response, errors: FieldErrors) {
  const { newKey } = req.session;
  if (newKey) delete req.session.newKey;
  const chosen = req.form.texts('scopes');
  const scope = (value: string, text: string) => ({
    value,
    text,
    isChosen: chosen.includes(value),
  });
  res.set('Cache-Control', 'no-store');
  await page(req, res, 'api/keys', {
    title: 'API keys',
    crumbs: [{ text: 'API keys' }],
    credentials: (await credentials.list(req.here.sql, 'bearer')).map(shown),
    graceDays: keys.graceDays,
    newKey: newKey ?? null,
    scopes: [
      scope(keys.EVERYTHING, 'Everything'),
      ...catalog.map(({ name, label }) => scope(name, label.many)),
      ...entitiesWithSecrets().map((one) => scope(secretScopeOf(one.name), secretsLabel(one))),
    ],
    errors,
    typed: {
      name: req.form.text('name'),
      expiresAt: req.form.text('expiresAt'),
    },
  });
}

function shown(credential: credentials.Credential) {
  const usable = credential.keys.filter(({ state }) => isUsable(state));
  const mayRotate = usable.length === 1;
  return {
    ...credential,
    reads: keys.readsOf(credential),
    keys: credential.keys.map((key, index) => ({
      ...key,
      mayRotate: mayRotate && index === 0,
      mayRevoke: isUsable(key.state),
    })),
  };
}

export async function add(req: Request, res: Response) {
  await orShowErrors(
    res,
    async () => {
      req.session.newKey = await keys.create(req.here, accountOf(req).email, {
        ...req.form.pick('name', 'expiresAt'),
        scopes: req.form.texts('scopes'),
      });
      res.redirect(303, '/api-keys');
    },
    (errors) => keysPage(req, res, errors),
  );
}

export async function rotate(req: Request, res: Response) {
  const by = accountOf(req).email;
  req.session.newKey = await keys.rotate(
    req.here,
    by,
    numbered(req, 'id'),
    req.form.pick('graceDays', 'expiresAt', 'seen'),
  );
  res.redirect(303, '/api-keys');
}

export async function revoke(req: Request, res: Response) {
  const by = accountOf(req).email;
  await credentials.revoke(req.here, by, numbered(req, 'id'), numbered(req, 'key'));
  flash(req, 'The key is revoked.');
  res.redirect(303, '/api-keys');
}

function numbered(req: Request, name: string): number {
  const number = numberOrNull(req.params[name]);
  if (number === null) throw new NotFound('There is no such key.');
  return number;
}
