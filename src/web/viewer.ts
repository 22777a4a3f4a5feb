// The viewer, for whom a page is rendered: the time zone in which the person reads times, and the names of people by
// e-mail. Formatters deep inside a page need both, so they are in the asynchronous context of the request.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextFunction, Request, Response } from 'express';
import { cachedFor } from '../database/cached-for.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import { isZone } from '../zoned-text.ts';
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

/** The time zone of the signed-in person’s account, otherwise the one that the browser reported, otherwise UTC. */
export const zoneOf = (req: Request): string => req.account?.zone ?? browserZoneOf(req) ?? 'UTC';

/**
 * The time zone that was chosen in this browser before Oneway 1.17.0, otherwise the one that the browser reported; null
 * if there is neither.
 */
export const browserZoneOf = (req: Request): string | null =>
  [readCookie(req, 'zone'), readPlainCookie(req, 'browser-zone')]
    .map((zone) => zone.replaceAll('%2F', '/'))
    .find(isZone) ?? null;

/** Reads the names of people by e-mail. If they cannot be read, the page shows e-mails instead of failing. */
const namesOf = (on: Queryable): Promise<Map<string, string>> =>
  cachedFor(on, 'names of people', async () => {
    const people = await select<{ email: string; name: string }>(
      on,
      sql`select email, name from person`,
    );
    return new Map(people.map(({ email, name }) => [email, name]));
  }).catch(() => program.names);
