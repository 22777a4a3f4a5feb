// Shows the link of an invitation once, to the administrator who made it.
import type { Request } from 'express';
import { accountOf } from '../web/request.ts';
import * as invitations from './invitations.ts';

declare module 'express-session' {
  interface SessionData {
    /** An invitation that was just created, until the person’s page has shown its link. */
    newInvitation: { person: number; token: string };
  }
}

/**
 * Creates an invitation link and stores it in the session, so that the person’s page shows it once.
 */
export async function showLink(req: Request, id: number, seen: string | null = null) {
  const token = await invitations.invite(req.here, accountOf(req).email, id, seen);
  req.session.newInvitation = { person: id, token };
}

/**
 * Returns the link of the invitation that was just created for this person. It is shown only once.
 */
export function newLink(req: Request, id: number): string | null {
  const { newInvitation } = req.session;
  if (newInvitation?.person !== id) return null;
  delete req.session.newInvitation;
  return invitations.linkOf(req.here, newInvitation.token);
}
