// The account migration API: an app reads its own account, starts the migration and polls. Conversations, the older
// system, does the same with an API key, for any account.
import type { Request, Response } from 'express';
import { ACCOUNT_MOVES } from '../access/scopes.ts';
import { transaction } from '../database/sql.ts';
import { addAccount } from '../inbox/accounts.ts';
import { addWebChat } from '../inbox/channels.ts';
import { callerOf, reached } from '../inbox/reach.ts';
import { Conflict, Forbidden, Invalid, NotFound, Unavailable } from '../problems.ts';
import * as wanted from './api-requests.ts';
import { accountView } from './api-view.ts';
import * as moves from './moves.ts';
import { ask, requestMove, type MoveRequest } from './requests.ts';
import { hasReached } from './status.ts';

/** How many accounts one answer with a part of the list of accounts has. */
const PAGE = 50;

/**
 * Returns the app’s own account. A caller with an API key names an account, or gets the list of all
 * accounts.
 */
export async function index(req: Request, res: Response) {
  const { account_id: id, after = 0 } = wanted.sent(wanted.accountsQuery, req.query);
  if (callerOf(req).kind === 'key' && id === undefined) return list(req, res, after);
  await show(req, res, id);
}

async function list(req: Request, res: Response, after: number) {
  const found = await moves.list(req.here.sql, { after, limit: PAGE + 1 });
  const items = found.slice(0, PAGE);
  const last = items.at(-1);
  const next =
    found.length > PAGE && last ? `/api/v1/accounts?after=${String(last.account_id)}` : null;
  if (next !== null) res.set('Link', `<${next}>; rel="next"`);
  res.json({ items: items.map((move) => accountView(move)), next });
}

/** Handles GET /check-migration: returns one account in the same form as GET /accounts. */
export async function check(req: Request, res: Response) {
  await show(req, res, wanted.sent(wanted.checkQuery, req.query).account_id);
}

async function show(req: Request, res: Response, id: string | undefined) {
  const account = accountNamed(req, id);
  res.json(accountView(await soon(res, ask(req.here, account))));
}

/**
 * Adds an account and its WebChat channel before the migration starts. Answers 201, or 200 with the
 * same body if the account already has a WebChat channel.
 */
export async function add(req: Request, res: Response) {
  needKey(req, res);
  const { account_id: id, name } = wanted.sent(wanted.additionBody, req.body);
  const isNew = await transaction(req.here.sql, async (on) => {
    const account = await addAccount(on, { externalId: id, name });
    return addWebChat(on, account.id);
  });
  const move = await soon(res, ask(req.here, id));
  res.status(isNew ? 201 : 200).json(accountView(move));
}

/**
 * Confirms that a migration has reached a status: answers 200 if it has, otherwise 409. Changes
 * nothing.
 */
export async function confirm(req: Request, res: Response) {
  needKey(req, res);
  const id = reached(req, String(req.params['id']));
  const status = wanted.statusAskedFor(wanted.sent(wanted.confirmationBody, req.body));
  const move = await moves.byExternalId(req.here.sql, id);
  if (!move) throw new NotFound(`There is no account ${id}.`);
  if (!hasReached(move, status)) {
    throw new Conflict(
      `The migration of ${id} is ${move.migration_status}: it has not reached ${status}.`,
    );
  }
  res.json(accountView(move));
}

/** Starts the whole migration of the app’s own account, or of the account that an API key names. */
export async function start(req: Request, res: Response) {
  const { account_id: id, force } = wanted.sent(wanted.startBody, req.body);
  if (force && callerOf(req).kind === 'app') {
    throw new Forbidden('An app cannot migrate again with force: Conversations does that.');
  }
  const account = accountNamed(req, id);
  await request(req, res, { account, part: 'whole', location: null, force });
}

/**
 * Starts the migration of a whole account, or only of its recent or remaining messages. The messages are read from the
 * older system’s store, or from the dump (export) that the request names.
 */
export async function migrate(req: Request, res: Response) {
  needKey(req, res);
  const { account_id: id, part, location, force } = wanted.sent(wanted.migrateBody, req.body);
  const account = accountNamed(req, id);
  await request(req, res, { account, part: part ?? 'whole', location: location ?? null, force });
}

type Asked = Omit<MoveRequest, 'person' | 'wave'>;

async function request(req: Request, res: Response, asked: Asked) {
  const caller = callerOf(req);
  const person = caller.kind === 'app' ? `App of ${caller.account}` : `API key ${caller.name}`;
  const moving = requestMove(req.here, { ...asked, person });
  const { move, isAccepted, job } = await soon(res, moving);
  if (job) await req.line.push(job);
  res.status(isAccepted ? 202 : 200).json(accountView(move));
}

/**
 * Returns the id of the account that a request is about: the app’s own account, or the account that
 * a caller with an API key names.
 */
function accountNamed(req: Request, id: string | undefined): string {
  const caller = callerOf(req);
  if (id !== undefined) return reached(req, id);
  if (caller.kind === 'app') return caller.account;
  throw new Invalid({ account_id: 'account_id is missing: a key names the account.' });
}

function needKey(req: Request, res: Response) {
  if (callerOf(req).kind === 'key') return;
  res.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${ACCOUNT_MOVES}"`);
  throw new Forbidden(`Only a key with the scope ${ACCOUNT_MOVES} may do this.`);
}

/**
 * If the older system does not answer, asks the caller to retry after 5 seconds, because a person
 * is waiting.
 */
const soon = <T>(res: Response, answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    if (error instanceof Unavailable) res.set('Retry-After', '5');
    throw error;
  });
