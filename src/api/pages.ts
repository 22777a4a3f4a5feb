// The page *API keys*, on which an administrator creates, rotates and revokes the keys of apps and clients.
import type { Request, Response } from 'express';
import * as credentials from '../access/credentials.ts';
import { isUsable } from '../access/key-state.ts';
import { catalog } from '../catalog/index.ts';
import { NotFound, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as hawkKeys from './hawk-keys.ts';
import * as keys from './keys.ts';

declare module 'express-session' {
  interface SessionData {
    /**
     * A newly created key, stored in the session until the page has shown its secret once. `id`:
     * the id of a HAWK key; null for any other key.
     */
    newKey: { id: string | null; secret: string };
  }
}

export const index = (req: Request, res: Response) => keysPage(req, res, {});

async function keysPage(req: Request, res: Response, errors: FieldErrors) {
  const { newKey } = req.session;
  if (newKey) delete req.session.newKey;
  const isHawk = req.form.text('kind') === 'hawk';
  const chosen = req.form.texts('scopes');
  const scope = (value: string, text: string) => ({
    value,
    text,
    isChosen: chosen.includes(value),
  });
  const typed = { name: req.form.text('name'), expiresAt: req.form.text('expiresAt') };
  const nothing = { typed: { name: '', expiresAt: '' }, errors: {} };
  const all = await credentials.list(req.here.sql);
  res.set('Cache-Control', 'no-store');
  await page(req, res, 'api/keys', {
    title: 'API keys',
    crumbs: [{ text: 'API keys' }],
    bearer: {
      credentials: all.filter(({ kind }) => kind === 'bearer').map(shown(keys.readsOf)),
      ...(isHawk ? nothing : { typed, errors }),
    },
    hawk: {
      credentials: all.filter(({ kind }) => kind === 'hawk').map(shown(hawkKeys.mayDo)),
      scopes: (await hawkKeys.choices(req.here.sql)).map(([value, text]) => scope(value, text)),
      ...(isHawk ? { typed, errors } : nothing),
    },
    graceDays: keys.graceDays,
    newKey: newKey ?? null,
    scopes: [
      scope(keys.EVERYTHING, 'Everything'),
      ...catalog.map(({ name, label }) => scope(name, label.many)),
      ...keys.separateScopes.map(([value, text]) => scope(value, text)),
    ],
    errors,
  });
}

const shown =
  (reads: (one: credentials.Credential) => string) => (credential: credentials.Credential) => {
    const usable = credential.keys.filter(({ state }) => isUsable(state));
    const mayRotate = usable.length === 1;
    return {
      ...credential,
      reads: reads(credential),
      keys: credential.keys.map((key, index) => ({
        ...key,
        mayRotate: mayRotate && index === 0,
        mayRevoke: isUsable(key.state),
      })),
    };
  };

export async function add(req: Request, res: Response) {
  await orShowErrors(
    res,
    async () => {
      const by = accountOf(req).email;
      const posted = { ...req.form.pick('name', 'expiresAt'), scopes: req.form.texts('scopes') };
      if (req.form.text('kind') === 'hawk') {
        const { publicPart: id, secret } = await hawkKeys.create(req.here, by, posted);
        req.session.newKey = { id, secret };
      } else {
        const secret = await keys.create(req.here, by, posted, { isNameUnique: true });
        req.session.newKey = { id: null, secret };
      }
      res.redirect(303, '/api-keys');
    },
    (errors) => keysPage(req, res, errors),
  );
}

export async function rotate(req: Request, res: Response) {
  const by = accountOf(req).email;
  const { publicPart, secret } = await keys.rotate(
    req.here,
    by,
    numbered(req, 'id'),
    req.form.pick('graceDays', 'expiresAt', 'seen'),
  );
  // Only a HAWK key has an id. The public part of a token is the beginning of its secret, so it is
  // not shown as an id.
  req.session.newKey = { id: secret.startsWith(publicPart) ? null : publicPart, secret };
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
