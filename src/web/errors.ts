// Turns every error of a request into a response: the message of a problem that the user can solve, or for a bug a
// reference number that the user can give to an engineer.
import { randomBytes } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import type { App } from '../environments/app.ts';
import { unwillingness } from '../database/unwillingness.ts';
import { unwillingHere } from '../environments/unreachable.ts';
import { NotFound, Problem, Unavailable } from '../problems.ts';
import { sendPage } from './layout.ts';
import { page } from './pages.ts';
import { sentence } from './partials.ts';
import { isEnded, Silence } from './silence.ts';
import { typedForm } from './typed-form.ts';

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
  503: 'Not possible right now',
};

export async function answerError(error: unknown, req: Request, res: Response, next: NextFunction) {
  if (isEnded(req) && !(error instanceof Silence)) return;
  if (res.headersSent) return afterAnswer(error, req, res, next);
  const problem = withWayOut(asProblem(error, req.here), req);
  const reference = randomBytes(3).toString('hex').toUpperCase();
  if (!problem) req.log.error({ err: error, reference, path: req.path }, 'defect');
  if (problem?.cause) req.log.warn({ err: problem.cause, path: req.path }, 'a server is unwilling');
  const status = problem?.status ?? 500;
  const message =
    problem?.message ??
    `Something went wrong and nothing was saved. Reference ${reference}: give it to an engineer.`;
  if (status === 503 && !res.get('Retry-After')) res.set('Retry-After', '10');
  res.status(status);
  if (req.path.startsWith('/api/')) {
    res.json({ error: { status, message } });
  } else {
    const title = titles[status] ?? 'Something went wrong';
    const offersSearch = status === 404 && req.account !== undefined;
    const typed = status >= 500 ? await typedForm(req) : null;
    const data = { title, message, offersSearch, typed };
    // Reading the menu needs the databases of this environment. If one of these databases caused
    // the error, the error page is sent without a menu.
    const isAlone = !(error instanceof Problem) && unwillingness(error) === 'away';
    const sendAlone = () => sendPage(res, 'web/error', { ...alone(req), ...data });
    await (isAlone ? sendAlone() : page(req, res, 'web/error', data).catch(sendAlone)).catch(() =>
      res.type('text').send(`${title}. ${message}`),
    );
  }
}

const alone = ({ here }: Request) => ({
  sentence,
  theme: 'system',
  environment: here.name,
  shell: null,
  account: null,
  csrf: '',
});

/**
 * Handles an error that occurs after the response was sent, such as a session that cannot be
 * stored. Such an error can only be logged.
 */
function afterAnswer(error: unknown, req: Request, res: Response, next: NextFunction) {
  if (!res.writableEnded) return next(error);
  req.log.warn({ err: error, path: req.path }, 'failed after the answer');
}

const uncertain =
  'Whether this was saved is not certain: open the page and see before you send it again.';

function silence(error: Silence, { rules }: App): Problem {
  const fault = error.isSlow ? 'answers too slowly' : 'does not answer';
  const outcome = error.mayBeSaved ? uncertain : 'Nothing was saved.';
  const words = `${error.server} of ${rules.inText} ${fault} right now. Try again in a moment.`;
  return new Unavailable(`${words} ${outcome}`, { cause: error });
}

/**
 * Adds to the message about an unavailable database that the user can leave the open staging
 * database (copy), because this server’s own databases may work.
 */
function withWayOut(problem: Problem | null, { copy }: Request): Problem | null {
  if (problem?.status !== 503 || copy === undefined) return problem;
  const { message, cause } = problem;
  return new Unavailable(`${message} Or leave it under Databases (/databases).`, { cause });
}

function asProblem(error: unknown, here: App): Problem | null {
  if (error instanceof Problem) return error;
  // A URL with an invalid percent sign belongs to no page.
  if (error instanceof URIError) return new NotFound('There is no page at this address.');
  if (error instanceof Silence) return silence(error, here);
  const unwilling = unwillingHere(error, here);
  if (unwilling) return unwilling;
  return badRequest(error);
}

/**
 * Returns the problem for a request that a parser refused, because it is malformed or too large;
 * null for any other error.
 */
export function badRequest(error: unknown): Problem | null {
  const { status, expose, message } = error as {
    status?: number;
    expose?: boolean;
    message?: string;
  };
  return status && status < 500 && expose ? new Problem(status, String(message)) : null;
}
