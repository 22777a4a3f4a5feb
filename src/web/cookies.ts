// Names and attributes of our cookies: the prefix `__Host-` wherever they are Secure, so that no other host can plant
// one.
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

/** Which copy a browser works in. Not in the session: whoever signs in again is where they were. */
export const copyCookie = ({ house }: Request): string => `oneway.${house.name}.database`;

/** The value of a cookie; empty when it is missing. */
export function readCookie(req: Request, name: string): string {
  const start = `${cookieName(req.here, name)}=`;
  const pairs = (req.get('Cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length) ?? '';
}

export function setCookie(req: Request, res: Response, name: string, value: string, hours: number) {
  const maxAge = hours * 60 * 60 * 1000;
  res.cookie(cookieName(req.here, name), value, { ...attributes(req.here), maxAge });
}

export const dropCookie = (req: Request, res: Response, name: string) =>
  res.clearCookie(cookieName(req.here, name), attributes(req.here));
