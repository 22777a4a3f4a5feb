// Sends an invitation to the invited person by e-mail, or shows its link once to the administrator who made the
// invitation.
import type { Request } from 'express';
import { sendsSecrets } from '../messages/secret-email.ts';
import { accountOf } from '../web/request.ts';
import * as invitations from './invitations.ts';
import { mailInvitation } from './mailed-links.ts';

/** How many links a session keeps until they are shown. */
const MOST_LINKS = 20;

declare module 'express-session' {
  interface SessionData {
    /** Invitations that were just created, each until the person’s page has shown its link. */
    newInvitations: { person: number; token: string }[];
  }
}

/**
 * Sends an invitation by e-mail. Shows its link instead if this environment cannot send links, or if the administrator
 * wants to pass the link on. Returns a message for the administrator, empty if the link is shown.
 */
export async function inviteBy(
  req: Request,
  id: number,
  { seen = null, isShown = false }: { seen?: string | null; isShown?: boolean } = {},
): Promise<string> {
  if (isShown || !sendsSecrets(req.here)) {
    await showLink(req, id, seen);
    return '';
  }
  await mailInvitation(req.here, accountOf(req).email, id, seen);
  return 'An e-mail with the link is on its way.';
}

/**
 * Creates an invitation link and stores it in the session, so that the person’s page shows it once.
 */
async function showLink(req: Request, id: number, seen: string | null) {
  const token = await invitations.invite(req.here, accountOf(req).email, id, { seen });
  req.session.newInvitations = [...linksOfOthers(req, id), { person: id, token }].slice(
    -MOST_LINKS,
  );
}

/**
 * Returns the link of the invitation that was created for this person, if the link still works. The link is removed
 * from the session, so that it is shown only once.
 */
export async function newLink(req: Request, id: number): Promise<string | null> {
  const { token } = req.session.newInvitations?.find(({ person }) => person === id) ?? {};
  if (token === undefined) return null;
  req.session.newInvitations = linksOfOthers(req, id);
  const works = (await invitations.find(req.here.sql, token)) !== null;
  return works ? invitations.linkOf(req.here, token) : null;
}

const linksOfOthers = ({ session }: Request, id: number) =>
  (session.newInvitations ?? []).filter(({ person }) => person !== id);
