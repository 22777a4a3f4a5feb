import type { Request, Response } from 'express';
import { labelsOf } from '../access/permission-words.ts';
import { grantable, permissionNames, type Permission } from '../access/permissions.ts';
import { sendsSecrets } from '../messages/secret-email.ts';
import { Invalid, type FieldErrors } from '../problems.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import { across } from './across.ts';
import * as admission from './admission.ts';
import { inviteBy, newLink } from './invitation-link.ts';
import * as invitations from './invitations.ts';
import * as people from './people.ts';
import { permissionChoices } from './permission-choices.ts';

const crumbs = [{ text: 'People', href: '/people' }];

export const show = (req: Request, res: Response) => personPage(req, res, {});

/** Shows the page of a person. `chosen` holds the ticked checkboxes of a post that was refused. */
async function personPage(
  req: Request,
  res: Response,
  errors: FieldErrors,
  chosen: string[] | null = null,
) {
  const person = await people.known(req.here.sql, numberOrNull(req.params['id']) ?? 0);
  const offered = grantable(req.here.setup);
  await page(req, res, 'people/person', {
    title: person.name,
    crumbs,
    person,
    lines: await across(req.here, req.redis, person),
    link: await newLink(req, person.id),
    isLinked: await admission.isLinked(req.here.sql, person.id),
    openUntil: await invitations.openUntil(req.here.sql, person.id),
    sendsLinks: sendsSecrets(req.here),
    ...permissionChoices(req.here.setup, chosen ?? person.permissions),
    shown: person.permissions.filter((name) => offered.includes(name)).join(' '),
    errors,
  });
}

export async function setPermissions(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  const wanted = [...new Set(req.form.texts('permissions'))];
  const shown = req.form.raw('shown')?.split(' ').filter(Boolean);
  await orShow(req, res, async () => {
    const { here } = req;
    if (shown === undefined) throw new Invalid({ permissions: INCOMPLETE });
    const by = accountOf(req).email;
    const before = await people.setPermissions(here, here.setup, by, id, wanted, shown);
    const offered = before.filter((name) => grantable(here.setup).includes(name));
    return `Permissions saved.${changedMeanwhile(shown, offered)}`;
  });
}

const INCOMPLETE =
  'This page was not sent as a whole, so nothing was saved. Choose the permissions again.';

/**
 * Names the permissions that another administrator granted or revoked after the page was shown.
 * Saving the page does not undo those changes.
 */
function changedMeanwhile(shown: string[], stored: Permission[]): string {
  const granted = stored.filter((one) => !shown.includes(one));
  const revoked = permissionNames.filter((one) => shown.includes(one) && !stored.includes(one));
  const parts = [
    granted.length > 0 ? ` granted ${labelsOf(granted, ' and ')}` : '',
    revoked.length > 0 ? ` revoked ${labelsOf(revoked, ' and ')}` : '',
  ].filter(Boolean);
  return parts.length > 0 ? ` Another administrator has${parts.join(' and')} meanwhile.` : '';
}

export async function invite(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  const isShown = req.form.text('way') === 'link';
  const sent = await inviteBy(req, id, { seen: req.form.text('seen'), isShown });
  if (sent) flash(req, sent);
  res.redirect(303, `/people/${id}`);
}

export async function unlink(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  await orShow(req, res, async () => {
    await admission.unlink(req.here, accountOf(req).email, id);
    return 'Unlinked. The next sign-in with this e-mail address links it again.';
  });
}

export async function reopen(req: Request, res: Response) {
  const id = numberOrNull(req.params['id']) ?? 0;
  await orShow(req, res, async () => {
    await people.setActive(req.here, accountOf(req).email, id, true);
    return `Account opened in ${req.here.rules.inText}.`;
  });
}

/**
 * Runs `act`, which changes a person, and shows the message that `act` returns. After an error, shows the person’s page
 * with the errors.
 */
async function orShow(req: Request, res: Response, act: () => Promise<string>) {
  const actAndSay = async () => {
    flash(req, await act());
    res.redirect(303, `/people/${String(req.params['id'])}`);
  };
  await orShowErrors(res, actAndSay, (errors) => {
    const chosen = 'permissions' in errors ? req.form.texts('permissions') : null;
    return personPage(req, res, errors, chosen);
  });
}
