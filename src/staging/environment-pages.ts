// The page *Administration / Staging / Environments*: the staging servers from which people order staging databases.
import type { Request, Response } from 'express';
import { Problem, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { testConnection } from './connection-test.ts';
import * as environments from './environments.ts';
import { levels } from './names.ts';

const FIELDS = ['name', 'url', 'client', 'level', 'token'] as const;
const crumbs = [{ text: 'Staging environments', href: '/staging/environments' }];
const levelOptions = Object.entries(levels).map(([value, text]) => ({ value, text }));

export async function index(req: Request, res: Response) {
  const all = await environments.list(req.here.sql);
  await page(req, res, 'staging/environments', {
    title: 'Staging environments',
    crumbs: [{ text: 'Staging environments' }],
    environments: all.map((one) => ({ ...one, levelText: levels[one.level] })),
  });
}

export const showNew = (req: Request, res: Response) => formPage(req, res, null, {});

export async function show(req: Request, res: Response) {
  await formPage(req, res, await environments.known(req.here.sql, idOf(req)), {});
}

const idOf = (req: Request) => numberOrNull(req.params['id']) ?? 0;

async function formPage(
  req: Request,
  res: Response,
  known: environments.StagingEnvironment | null,
  errors: FieldErrors,
) {
  const posted = req.form.entries.length > 0;
  const typed = Object.fromEntries(
    FIELDS.map((name) => {
      const stored = name === 'token' ? '' : (known?.[name] ?? '');
      // Shows the typed values again after an error, but never a token, because a token is secret.
      return [name, posted && name !== 'token' ? req.form.text(name) : stored];
    }),
  );
  await page(req, res, 'staging/environment', {
    title: known?.name ?? 'Add staging environment',
    crumbs,
    known,
    hasKey: req.here.settings.credentialsKeys !== null,
    isTokenReadable: known === null || environments.tokenOf(req.here, known) !== null,
    levels: levelOptions,
    typed,
    errors,
  });
}

export async function add(req: Request, res: Response) {
  const addPosted = async () => {
    const id = await environments.add(req.here, accountOf(req).email, req.form.pick(...FIELDS));
    flash(req, 'Added. Test the connection.');
    res.redirect(303, `/staging/environments/${id}`);
  };
  await orShowErrors(res, addPosted, (errors) => formPage(req, res, null, errors));
}

export async function save(req: Request, res: Response) {
  const id = idOf(req);
  const seen = numberOrNull(req.form.raw('version')) ?? 0;
  const known = await environments.known(req.here.sql, id);
  const savePosted = async () => {
    const by = accountOf(req).email;
    await environments.change(req.here, by, { id, seen }, req.form.pick(...FIELDS));
    flash(req, 'Saved.');
    res.redirect(303, `/staging/environments/${id}`);
  };
  await orShowErrors(res, savePosted, (errors) => formPage(req, res, known, errors));
}

export async function test(req: Request, res: Response) {
  const known = await environments.known(req.here.sql, idOf(req));
  const outcome = await testConnection(req.here, known).then(
    () => `${known.name} answers, and the token is right.`,
    (error: unknown) => {
      if (error instanceof Problem) return `Not connected: ${error.message}`;
      throw error;
    },
  );
  flash(req, outcome);
  res.redirect(303, `/staging/environments/${known.id}`);
}
