// Reads and sets Oneway’s cookies. The names of Secure cookies begin with `__Host-`, so that no other host can set a
// cookie of the same name.
import type { Request, Response } from 'express';

type Settings = { settings: { session: { secureCookie: boolean } } };

export const cookieName = ({ settings }: Settings, name: string): string =>
  settings.session.secureCookie ? `__Host-${name}` : name;

const attributes = ({ settings }: Settings) => ({
  httpOnly: true,
  sameSite: 'lax' as const,
  secure: settings.session.secureCookie,
  path: '/',
});

/**
 * Returns the name of the cookie that contains the name of the open copy (staging database). The
 * open copy is not stored in the session, so that a person who signs in again still works in the
 * same copy.
 */
export const copyCookie = ({ house }: Request): string => `oneway.${house.name}.database`;

/** Returns the value of a cookie; empty if the cookie is missing. */
export const readCookie = (req: Request, name: string): string =>
  readPlainCookie(req, cookieName(req.here, name));

/** Returns the value of a cookie that a script of the page has set, for which no `__Host-` is needed. */
export function readPlainCookie(req: Request, name: string): string {
  const start = `${name}=`;
  const pairs = (req.get('Cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length) ?? '';
}

export function setCookie(req: Request, res: Response, name: string, value: string, hours: number) {
  const maxAge = hours * 60 * 60 * 1000;
  res.cookie(cookieName(req.here, name), value, { ...attributes(req.here), maxAge });
}

export const dropCookie = (req: Request, res: Response, name: string) =>
  res.clearCookie(cookieName(req.here, name), attributes(req.here));
