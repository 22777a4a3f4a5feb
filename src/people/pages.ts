import type { Request, Response } from 'express';
import { grantable, permissionNames, type Permission } from '../access/permissions.ts';
import { NotFound, type FieldErrors } from '../problems.ts';
import { fieldErrors, flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as people from './people.ts';

const crumbs = [{ text: 'People', href: '/people' }];

export async function index(req: Request, res: Response) {
  await page(req, res, 'people/list', { title: 'People', people: await people.list(req.here.sql) });
}

export const showNew = (req: Request, res: Response) => newPage(req, res, {});

async function newPage(req: Request, res: Response, errors: FieldErrors) {
  const typed = { name: req.form.text('name'), email: req.form.text('email') };
  await page(req, res, 'people/new', { title: 'Add person', crumbs, errors, typed });
}

export async function add(req: Request, res: Response) {
  try {
    const id = await people.add(
      req.here,
      accountOf(req).email,
      req.form.pick('name', 'email', 'password'),
    );
    flash(req, 'Person added. Choose what this person may do here.');
    res.redirect(303, `/people/${id}`);
  } catch (error) {
    const errors = fieldErrors(error);
    res.status(422);
    await newPage(req, res, errors);
  }
}

export const show = (req: Request, res: Response) => personPage(req, res, {});

async function personPage(req: Request, res: Response, errors: FieldErrors) {
  const person = await people.find(req.here.sql, numberOrNull(req.params['id']) ?? 0);
  if (!person) throw new NotFound('There is no such person.');
  const offered = grantable(req.here.setup);
  const permissions = permissionNames.map((name) => ({
    name,
    meaning: meanings[name],
    isGranted: person.permissions.includes(name),
    isOffered: offered.includes(name),
  }));
  await page(req, res, 'people/person', {
    title: person.name,
    crumbs,
    person,
    permissions,
    hasNeverGranted: permissions.some(({ isOffered }) => !isOffered),
    errors,
  });
}

const meanings: Record<Permission, string> = {
  product_manager: 'edits and transfers rows',
  editor: 'edits rows; a product manager reviews the changes before they are transferred',
  administrator: 'manages people',
  on_call: 'undoes transfers when on call',
};

export async function setPermissions(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  const wanted = [...new Set(req.form.texts('permissions'))];
  await orShow(req, res, async () => {
    await people.setPermissions(req.here, req.here.setup, accountOf(req).email, id, wanted);
    return 'Permissions saved.';
  });
}

export async function setPassword(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  await orShow(req, res, async () => {
    await people.setPassword(req.here, accountOf(req).email, id, req.form.pick('password'));
    return 'Password saved.';
  });
}

export async function setActive(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  const isActive = req.form.text('active') === 'yes';
  await orShow(req, res, async () => {
    await people.setActive(req.here, accountOf(req).email, id, isActive);
    return isActive ? 'Account opened.' : 'Account closed.';
  });
}

/** Changes a person and confirms it, or shows the person's page with the error. */
async function orShow(req: Request, res: Response, act: () => Promise<string>) {
  try {
    flash(req, await act());
    res.redirect(303, `/people/${String(req.params['id'])}`);
  } catch (error) {
    const errors = fieldErrors(error);
    res.status(422);
    await personPage(req, res, errors);
  }
}
