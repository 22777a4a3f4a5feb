// Finds the person to whom a session belongs, at the beginning of every request and repeatedly during long requests.
import type { NextFunction, Request, Response } from 'express';
import type { SessionData } from 'express-session';
import { isAlwaysOpen } from '../web/gate.ts';
import { isInTime, limitCookie, renewSession } from '../web/session.ts';
import * as people from './people.ts';

/**
 * Adds the signed-in person to the request. A session ends after 12 hours, when the person’s
 * account is closed, or when the password changes.
 */
export async function recognise(req: Request, _res: Response, next: NextFunction) {
  if (isAlwaysOpen(req)) return next();
  req.isStillSignedIn = async () => (await personOf(req, await storedSession(req))) !== null;
  if (req.session.personId !== undefined) {
    const person = await personOf(req, req.session);
    if (person) {
      req.account = person;
      limitCookie(req.session);
    } else {
      await renewSession(req);
    }
  }
  next();
}

type Signed = Partial<SessionData> | null | undefined;

async function personOf({ here }: Request, session: Signed): Promise<people.Person | null> {
  if (session?.personId === undefined || !isInTime(session)) return null;
  const person = await people.find(here.sql, session.personId);
  return person?.isActive && person.credential === session.credential ? person : null;
}

const storedSession = ({ sessionStore, sessionID }: Request) =>
  new Promise<Signed>((resolve, reject) => {
    sessionStore.get(sessionID, (error: unknown, session) =>
      error instanceof Error ? reject(error) : resolve(session),
    );
  });
