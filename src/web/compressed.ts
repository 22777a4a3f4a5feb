// Compresses responses. A page contains the CSRF token, and may contain text from its URL. An attacker who compares the
// compressed lengths of many pages could learn the token, so each page masks it differently (see security.ts).
import compression from 'compression';
import type { Request, Response } from 'express';

const pageTypes = /^(?:text\/(?:html|css|javascript)|image\/svg\+xml)/;

/**
 * Whether a response is compressed. Downloads are not compressed, so that their length stays known, and events are not,
 * so that each is sent at once. A response that refuses a request which is still being received is not compressed
 * either: its connection may end before a compressed response is complete.
 */
const filter = (req: Request, res: Response): boolean =>
  req.originalUrl.startsWith('/api/')
    ? compression.filter(req, res)
    : req.complete && pageTypes.test(String(res.getHeader('Content-Type') ?? ''));

export const compressed = () => compression({ filter });
