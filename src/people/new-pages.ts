// Invites a person to one or several environments. The browser goes from server to server, and each server shows its
// own page, filled in with what was entered before. An administrator of each environment confirms on that page, so that
// no server can add people to another environment.
import type { Request, Response } from 'express';
import { grantable, type Permission } from '../access/permissions.ts';
import { orShowErrors, page } from '../web/pages.ts';
import { sendsSecrets } from '../messages/secret-email.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import type { FieldErrors } from '../problems.ts';
import { neighboursOf, type Neighbour } from '../environments/neighbours.ts';
import { accountIn } from './elsewhere.ts';
import { grantableAmong } from './granting.ts';
import { inviteBy } from './invitation-link.ts';
import { goOnward, inOrder, namesIn } from './onward.ts';
import * as people from './people.ts';
import { permissionChoices } from './permission-choices.ts';

/** The values in the form: typed by the user, filled in from another environment, or empty. */
type Filled = {
  name: string;
  email: string;
  permissions: readonly string[];
  /** The other environments to which the person is invited next. */
  onward: string[];
  /**
   * The environment to which the person was invited first, and the person’s id in that environment; empty on the first
   * page.
   */
  from: string;
  person: string;
};

/**
 * The environment from whose account the form was filled in. `missing`: why the form could not be filled in; null if it
 * could.
 */
type Origin = { of: Neighbour; missing: string | null; isAdministrator: boolean } | null;

export async function showNew(req: Request, res: Response) {
  const { here, query } = req;
  const [from, person] = [textIn(query, 'from'), textIn(query, 'person')];
  const found = await accountIn(here, from, numberOrNull(person) ?? 0);
  if (!found) {
    const onward = neighboursOf(here).map(({ name }) => name);
    return newPage(req, res, { ...nobody, onward }, {}, null);
  }
  const { of, account, unknown } = found;
  const { name = '', email = '', permissions = [] } = account ?? {};
  const filled = {
    name,
    email,
    from,
    person,
    // The permission *Administrator* is never filled in from another environment: it must be ticked in each
    // environment.
    permissions: permissions.filter((one) => one !== 'administrator'),
    onward: namesIn(textIn(query, 'onward')),
  };
  const isAdministrator = permissions.includes('administrator');
  const missing = account ? null : missingIn(of, unknown);
  await newPage(req, res, filled, {}, { of, missing, isAdministrator });
}

const missingIn = ({ inText }: Neighbour, unknown: string | null) =>
  unknown === null ? `there is no such account in ${inText}` : `${inText} is not known, ${unknown}`;

const nobody: Filled = { name: '', email: '', permissions: [], onward: [], from: '', person: '' };

async function newPage(
  req: Request,
  res: Response,
  filled: Filled,
  errors: FieldErrors,
  origin: Origin,
) {
  const { here } = req;
  const granted = grantable(here.setup).filter((name) => filled.permissions.includes(name));
  const account = await people.withEmail(here.sql, filled.email.toLowerCase());
  const following = neighboursOf(here).filter(
    ({ name }) => filled.from === '' || filled.onward.includes(name),
  );
  await page(req, res, 'people/new', {
    title: Object.keys(errors).length > 0 ? 'Error: Invite a colleague' : 'Invite a colleague',
    crumbs: [{ text: 'People', href: '/people' }],
    errors,
    typed: filled,
    origin,
    sendsLinks: sendsSecrets(here),
    accountHref: account ? `/people/${account.id}` : null,
    ...permissionChoices(here.setup, granted),
    following: following.map((one) => ({ ...one, isChosen: filled.onward.includes(one.name) })),
    nextHref: account ? hrefOfNext(req, withOrigin(req, filled, account.id)) : null,
  });
}

export async function add(req: Request, res: Response) {
  const { here, form } = req;
  const filled = {
    name: form.text('name'),
    email: form.text('email'),
    permissions: [...new Set(form.texts('permissions'))],
    onward: form.texts('onward'),
    from: form.text('from'),
    person: form.text('person'),
  };
  await orShowErrors(
    res,
    async () => {
      const wanted: Permission[] = grantableAmong(here, here.setup, filled.permissions);
      const by = accountOf(req).email;
      const id = await people.add(here, by, form.pick('name', 'email'), wanted);
      const sent = await inviteBy(req, id);
      await goOnward(req, res, {
        done: `${filled.name} is invited to ${here.rules.inText}. ${sent}`.trim(),
        next: nextOf(req, filled),
        href: hrefOfNext(req, withOrigin(req, filled, id)),
        last: `/people/${id}`,
      });
    },
    (errors) => newPage(req, res, filled, errors, null),
  );
}

/** On the first page, notes this environment and the id of the account, from which the next pages are filled in. */
const withOrigin = ({ here }: Request, filled: Filled, id: number): Filled =>
  filled.from === '' ? { ...filled, from: here.name, person: String(id) } : filled;

const nextOf = ({ here }: Request, { onward }: Filled) => inOrder(here, onward)[0] ?? null;

/**
 * Returns the URL of the same page on the next server; null if no environment follows. The next server fills its page
 * in with what it reads from the first server.
 */
function hrefOfNext({ here }: Request, { from, person, onward }: Filled): string | null {
  const [next, ...others] = inOrder(here, onward);
  if (!next) return null;
  const query = new URLSearchParams({
    from,
    person,
    onward: others.map(({ name }) => name).join(),
  });
  return `${next.url}/people/new?${query.toString()}`;
}
