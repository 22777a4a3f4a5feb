// Every failure ends here: a problem a person can do something about, or a defect with a reference to copy.
import { randomBytes } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { isTransient } from '../database/transient-errors.ts';
import { NotFound, Problem, Unavailable } from '../problems.ts';
import { page } from './pages.ts';

export function notFound(req: Request): never {
  throw new NotFound(`There is no page at ${req.path}.`);
}

const titles: Record<number, string> = {
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not possible',
  409: 'Conflict',
  413: 'Too large',
  422: 'There is a problem',
  429: 'Too many attempts',
  503: 'Not reachable right now',
};

export async function answerError(error: unknown, req: Request, res: Response, next: NextFunction) {
  if (res.headersSent) return next(error);
  const problem = asProblem(error);
  const reference = randomBytes(3).toString('hex').toUpperCase();
  if (!problem) req.log.error({ err: error, reference, path: req.path }, 'defect');
  const status = problem?.status ?? 500;
  const message =
    problem?.message ??
    `Something went wrong and nothing was saved. Reference ${reference}: give it to an engineer.`;
  if (status === 503) res.set('Retry-After', '10');
  res.status(status);
  if (req.path.startsWith('/api/')) {
    res.json({ error: { status, message } });
  } else {
    const title = titles[status] ?? 'Something went wrong';
    const offersSearch = status === 404 && req.account !== undefined;
    await page(req, res, 'web/error', { title, message, offersSearch }).catch(() => {
      // Rendering a page needs the database; plain text does not.
      res.type('text').send(`${title}. ${message}`);
    });
  }
}

function asProblem(error: unknown): Problem | null {
  if (error instanceof Problem) return error;
  // The address contains an invalid percent escape.
  if (error instanceof URIError) return new NotFound('There is no page at this address.');
  if (isTransient(error)) {
    return new Unavailable(
      'A database of this environment does not answer right now. Nothing was saved; try again in a moment.',
    );
  }
  const { status, expose, message } = error as {
    status?: number;
    expose?: boolean;
    message?: string;
  };
  // Errors of body parsers (malformed, too large) are the sender's to fix.
  return status && status < 500 && expose ? new Problem(status, String(message)) : null;
}
