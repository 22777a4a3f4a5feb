// The bridge: the routes over which other servers order staging databases from the server of a staging environment, and
// over which that server reports back. Requests are JSON and contain a token or a key.
import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { countWrongToken, isOneOf } from '../access/bridge-token.ts';
import type { App } from '../environments/app.ts';
import { unwillingHere } from '../environments/unreachable.ts';
import * as jobs from '../jobs/jobs.ts';
import { Invalid, NotFound, parsed, Problem } from '../problems.ts';
import { badRequest } from '../web/errors.ts';
import { accept } from './accept.ts';
import { BridgeProblem } from './bridge-problem.ts';
import { stateOf, type OrderState } from './call-back.ts';
import * as copies from './copies.ts';
import { settingsOfCopies } from './databases.ts';
import { dropNamed } from './drop.ts';
import { clientSchema, levelSchema, suffixSchema } from './names.ts';
import { takeCallback } from './run.ts';

const id = z.uuid('must be a UUID');
const person = z.string().trim().min(1).max(190);

const orderBody = z.object({
  token: z.string().default(''),
  order: id,
  client: clientSchema,
  level: levelSchema,
  timestamp: z.boolean().default(true),
  suffix: suffixSchema,
  replace: z.boolean().default(false),
  person,
  callback: z
    .object({ url: z.url({ protocol: /^https?$/ }).max(190), key: z.string().min(16).max(100) })
    .nullable()
    .default(null),
});

const statesBody = z.object({ orders: z.array(id).max(100) });

const dropsBody = z.object({
  client: clientSchema,
  level: levelSchema,
  person,
  names: z.array(z.string().max(100)).max(100),
});

const callbackBody = z.object({
  order: id,
  key: z.string().max(100),
  state: z.enum(['done', 'error']),
  name: z.string().max(63),
  problem: z.string().max(5000).nullish(),
  until: z.iso.datetime().nullish(),
  url: z.string().max(500).nullish(),
});

async function refuseWrongToken(req: Request) {
  const { tokens } = settingsOfCopies(req.here);
  const given = (req.body as { token?: unknown } | undefined)?.token;
  if (isOneOf(tokens, given)) return;
  await countWrongToken(req, 'wrong staging token');
  throw new BridgeProblem(
    401,
    'wrong_token',
    `The token is not the one of ${req.here.rules.inText}. Enter the value of its NUMIKUBE_STAGING_TOKEN.`,
  );
}

/** Wraps a handler so that its errors are sent as JSON. */
const answered = (act: (req: Request, res: Response) => Promise<void>) =>
  async function answer(req: Request, res: Response) {
    try {
      await act(req, res);
    } catch (error) {
      refuse(error, req, res);
    }
  };

/**
 * Wraps a handler so that it runs only if the request has a valid token. A server with the token may order staging
 * databases, ask for the states of its orders, and drop staging databases.
 */
const withToken = (act: (req: Request, res: Response) => Promise<void>) =>
  answered(async (req, res) => {
    await refuseWrongToken(req);
    await act(req, res);
  });

async function acceptOrder(req: Request, res: Response) {
  const { token: _token, ...wanted } = parsed(orderBody, req.body);
  const { name, job, isNew } = await accept(req.here, wanted);
  if (isNew && job) await req.line.push(job);
  res.status(202).json({ name, job: job?.number ?? null });
}

async function tellStates(req: Request, res: Response) {
  const { here } = req;
  const { orders } = parsed(statesBody, req.body);
  const known = new Map((await copies.byIds(here.sql, orders)).map((copy) => [copy.id, copy]));
  const found: (OrderState | { order: string; state: 'unknown' })[] = [];
  for (const one of orders) {
    const copy = known.get(one);
    const job = copy?.job ? await jobs.byId(here.sql, copy.job) : undefined;
    const progress = {
      step: job?.doing ?? '',
      done: job?.done_count ?? 0,
      total: job?.total_count ?? 0,
    };
    found.push(copy ? stateOf(here, copy, progress) : { order: one, state: 'unknown' });
  }
  res.json({ orders: found });
}

async function dropCopies(req: Request, res: Response) {
  res.json({ results: await dropNamed(req.here, parsed(dropsBody, req.body)) });
}

async function hearCallback(req: Request, res: Response) {
  const body = parsed(callbackBody, req.body);
  try {
    await takeCallback(req.here, body);
  } catch (error) {
    if (error instanceof NotFound) await countWrongToken(req, 'wrong callback key');
    throw error;
  }
  res.sendStatus(204);
}

export const order = withToken(acceptOrder);
export const states = withToken(tellStates);
export const drop = withToken(dropCopies);
export const callback = answered(hearCallback);

/**
 * Express error handler for the routes of the bridge (between servers): sends errors as JSON that occur before a
 * handler runs, for example because the request body is not JSON.
 */
export function answerBridgeError(
  error: unknown,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  if (!req.path.startsWith('/bridge/')) return next(error);
  refuse(error, req, res);
}

const RETRY_AFTER = 10;

function refuse(error: unknown, req: Request, res: Response) {
  const problem = asProblem(error, req.here);
  if (!problem) req.log.error({ err: error, path: req.path }, 'defect');
  const { status, message } = problem ?? {
    status: 500,
    message: 'Something went wrong. It is in the log of this server.',
  };
  if (status === 503) res.set('Retry-After', String(RETRY_AFTER));
  const code = problem instanceof BridgeProblem ? problem.code : codeOf(status);
  const fields = problem instanceof Invalid ? { fields: problem.fields } : {};
  res.status(status).json({ error: { code, message, ...fields } });
}

function asProblem(error: unknown, here: App): Problem | null {
  if (error instanceof Problem) return error;
  return unwillingHere(error, here, 'Nothing was ordered.') ?? badRequest(error);
}

const codes: Record<number, string> = {
  400: 'malformed',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  422: 'invalid',
  429: 'too_many_attempts',
  503: 'unavailable',
};
const codeOf = (status: number) => codes[status] ?? 'failed';
