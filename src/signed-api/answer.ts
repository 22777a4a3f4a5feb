// Sends the responses of the signed API: JSON, signed for the client that sent the request, then compressed.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { NextFunction, Request, Response } from 'express';
import { server, type crypto } from 'hawk';
import { LacksScope } from '../access/scopes.ts';
import type { Holder } from '../access/verification.ts';
import { unwillingHere } from '../environments/unreachable.ts';
import { Problem, Unavailable } from '../problems.ts';
import { badRequest } from '../web/errors.ts';
import { isEnded, Silence } from '../web/silence.ts';
import { ApiRefusal, type RefusalCode } from './refusal.ts';

/** The client that signed a request, with the credentials that are needed to sign the response. */
export type SignedClient = {
  holder: Holder;
  credentials: server.Credentials;
  artifacts: crypto.Artifacts;
};

/**
 * The client of each request to the signed API; null until the signature of the request is
 * verified.
 */
const clients = new WeakMap<Request, SignedClient | null>();

export const expectClient = (req: Request) => void clients.set(req, null);
export const rememberClient = (req: Request, client: SignedClient) => void clients.set(req, client);

/** Returns the client that signed the request. Throws an error in a route that requires no signature. */
export function clientOf(req: Request): SignedClient {
  const client = clients.get(req);
  if (!client) throw new Error(`No client signed ${req.path}`);
  return client;
}

const zip = promisify(gzip);
const CONTENT_TYPE = 'application/json; charset=utf-8';
/** Responses of at least this many bytes are compressed. */
const WORTH_COMPRESSING = 1000;

/**
 * Sends JSON. The signature covers the content before compression; for a HEAD request, it covers an
 * empty content.
 */
export async function answer(req: Request, res: Response, json: string | Buffer, status = 200) {
  if (res.headersSent) return;
  const plain = typeof json === 'string' ? Buffer.from(json) : json;
  const client = clients.get(req);
  if (client) {
    const { credentials, artifacts } = client;
    // The cast is safe: hawk hashes bytes correctly, although its types allow only texts.
    const payload = (req.method === 'HEAD' ? '' : plain) as string;
    const options = { payload, contentType: CONTENT_TYPE };
    res.set('Server-Authorization', server.header(credentials, artifacts, options));
  }
  res.status(status).vary('Accept-Encoding').set('Content-Type', CONTENT_TYPE);
  const isZipped = plain.length >= WORTH_COMPRESSING && req.acceptsEncodings('gzip') === 'gzip';
  // Level 1 needs a third of the time of the default level 6, and its output is a sixth larger.
  const content = isZipped ? await zip(plain, { level: 1 }) : plain;
  if (isZipped) res.set('Content-Encoding', 'gzip');
  res.set('Content-Length', String(content.length)).end(content);
}

const RETRY_AFTER_S = 10;

/**
 * Sends an error of the signed API as JSON with an error code. Passes errors of other routes on to
 * the next error handler.
 */
export async function answerSignedError(
  error: unknown,
  req: Request,
  res: Response,
  next: NextFunction,
) {
  if (!clients.has(req)) return next(error);
  if (isEnded(req) && !(error instanceof Silence)) return;
  const problem = asProblem(error, req);
  if (!problem) req.log.error({ err: error, path: req.path }, 'defect');
  if (problem?.cause) req.log.warn({ err: problem.cause, path: req.path }, 'a server is unwilling');
  const status = problem?.status ?? 500;
  const message = problem?.message ?? 'Something went wrong. It is in the log of this server.';
  if (status === 503) res.set('Retry-After', String(RETRY_AFTER_S));
  if (problem instanceof ApiRefusal) res.set(problem.headers);
  const code = problem ? codeOf(problem) : 'failed';
  await answer(req, res, JSON.stringify({ error: { code, message } }), status);
}

function asProblem(error: unknown, { here }: Request): Problem | null {
  if (error instanceof Problem) return error;
  if (error instanceof Silence) {
    return new Unavailable(`${error.server} of ${here.rules.inText} does not answer right now.`, {
      cause: error,
    });
  }
  return unwillingHere(error, here, 'Nothing was read.') ?? badRequest(error);
}

const codes: Record<number, RefusalCode> = {
  400: 'malformed',
  403: 'lacks_scope',
  404: 'not_found',
  // The rows of the dataset version were deleted while a client read them.
  410: 'version_gone',
  413: 'too_large',
  415: 'malformed',
  422: 'invalid',
  429: 'too_many_requests',
  503: 'unavailable',
};

const codeOf = (problem: Problem): RefusalCode =>
  problem instanceof ApiRefusal
    ? problem.code
    : problem instanceof LacksScope
      ? 'lacks_scope'
      : (codes[problem.status] ?? 'failed');
