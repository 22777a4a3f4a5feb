// Compresses answers. Pages contain the CSRF token and values that their address brings, so each of them has another
// mask for the token (see security.ts): otherwise the length of many answers would tell it.
import compression from 'compression';
import type { Request, Response } from 'express';

const pageTypes = /^(?:text\/(?:html|css|javascript)|image\/svg\+xml)/;

/**
 * Files that people download keep their length, and events are sent at once. So is the refusal of a request that is
 * still coming, because its connection may end before a compressed answer does.
 */
const filter = (req: Request, res: Response): boolean =>
  req.originalUrl.startsWith('/api/')
    ? compression.filter(req, res)
    : req.complete && pageTypes.test(String(res.getHeader('Content-Type') ?? ''));

export const compressed = () => compression({ filter });
