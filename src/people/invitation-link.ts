// Shows the link of an invitation once, to the administrator who made it.
import type { Request } from 'express';
import { accountOf } from '../web/request.ts';
import * as invitations from './invitations.ts';

/** How many links a session keeps until they are shown. */
const MOST_LINKS = 20;

declare module 'express-session' {
  interface SessionData {
    /** Invitations that were just created, each until the person’s page has shown its link. */
    newInvitations: { person: number; token: string }[];
  }
}

/**
 * Creates an invitation link and stores it in the session, so that the person’s page shows it once.
 */
export async function showLink(req: Request, id: number, seen: string | null = null) {
  const token = await invitations.invite(req.here, accountOf(req).email, id, seen);
  req.session.newInvitations = [...linksOfOthers(req, id), { person: id, token }].slice(
    -MOST_LINKS,
  );
}

/**
 * Returns the link of the invitation that was created for this person, if it still works. It is
 * shown only once.
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
