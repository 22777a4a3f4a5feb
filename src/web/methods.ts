// Answers requests of the API whose path exists, but not with this method: with 405, which names the methods.
import type { NextFunction, Request, Response } from 'express';
import { Problem } from '../problems.ts';

type Routed = { method: string; path: string };

/**
 * Returns the middleware that refuses other methods, by the first path that matches, as Express does. A path that no
 * route has may only be read, so that it is answered as not found.
 */
export function refuseOtherMethods(routes: Routed[]) {
  const byPath = [...Map.groupBy(routes, ({ path }) => path)].map(([path, own]) => ({
    pattern: patternOf(path),
    methods: own.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : ['POST'])),
  }));
  return function refuseOtherMethods(req: Request, res: Response, next: NextFunction) {
    const path = `${req.baseUrl}${req.path}`;
    const { methods } = byPath.find(({ pattern }) => pattern.test(path)) ?? { methods: READING };
    if (methods.includes(req.method)) return next();
    res.set('Allow', methods.join(', '));
    if (req.method === 'OPTIONS') return res.status(204).end();
    throw new Problem(405, `Use ${methods.join(' or ')} at ${path}.`);
  };
}

const READING = ['GET', 'HEAD'];

/** A path of a route as a pattern: `:name` is one part of an address. */
const patternOf = (path: string) => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i');
