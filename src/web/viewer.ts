// For whom a page is rendered: the time zone in which the person reads times, and the names of people by e-mail.
// Formatters deep inside a page need both, so they are in the asynchronous context of the request.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextFunction, Request, Response } from 'express';
import { cachedFor } from '../database/cached-for.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { readCookie, readPlainCookie } from './cookies.ts';

type Viewer = { zone: string; names: Map<string, string> };

const viewers = new AsyncLocalStorage<Viewer>();
const program: Viewer = { zone: 'UTC', names: new Map() };

/**
 * Returns the viewer for whom texts are formatted now. Programs and jobs have no viewer: they get UTC, and e-mails
 * instead of names.
 */
export const viewer = (): Viewer => viewers.getStore() ?? program;

export const formatFor = <T>(one: Viewer, act: () => T): T => viewers.run(one, act);

/** Middleware that lets the rest of the request format times and names for the signed-in person. */
export async function viewAsPerson(req: Request, _res: Response, next: NextFunction) {
  const viewing = await viewerOf(req);
  viewers.run(viewing, () => next());
}

export const viewerOf = async (req: Request): Promise<Viewer> => ({
  zone: zoneOf(req),
  names: req.account ? await namesOf(req.house.sql) : program.names,
});

/**
 * Returns the time zone of the person: the chosen zone, otherwise the zone that the browser reported, otherwise UTC.
 */
export const zoneOf = (req: Request): string =>
  [readCookie(req, 'zone'), readPlainCookie(req, 'browser-zone')]
    .map((zone) => zone.replaceAll('%2F', '/'))
    .find(isZone) ?? 'UTC';

const zones = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);
/**
 * Returns the time zones that a person can choose, UTC first. `chosen` is added if it is missing: it may have an older
 * name.
 */
export const zoneChoices = (chosen: string) =>
  [...new Set([...zones, chosen])].map((name) => ({ name, isChosen: name === chosen }));

/**
 * Whether a text names a time zone. Browsers also report older names, such as Asia/Calcutta, which are valid although
 * nobody can choose them.
 */
export function isZone(zone: string): boolean {
  if (zones.has(zone)) return true;
  if (!/^[A-Z][\w+-]*(\/[\w+-]+){1,2}$/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Reads the names of people by e-mail. If they cannot be read, the page shows e-mails instead of failing. */
const namesOf = (on: Queryable): Promise<Map<string, string>> =>
  cachedFor(on, 'names of people', async () => {
    const people = await select<{ email: string; name: string }>(
      on,
      sql`select email, name from person`,
    );
    return new Map(people.map(({ email, name }) => [email, name]));
  }).catch(() => program.names);
