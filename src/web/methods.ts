// Refuses API requests whose path exists but does not allow their HTTP method. The response has status 405 and names
// the allowed methods.
import type { NextFunction, Request, Response } from 'express';
import { Problem } from '../problems.ts';

type Routed = { method: string; path: string };

/**
 * Returns the middleware that refuses methods for which a path has no route. The first route that
 * matches the path decides, as in Express. For a path without a route, GET and HEAD pass, so that
 * the request is answered with 404.
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

/**
 * Turns the path of a route into a regular expression, in which `:name` matches one segment of a
 * URL.
 */
const patternOf = (path: string) => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i');
