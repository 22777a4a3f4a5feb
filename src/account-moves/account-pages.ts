// Handlers of the page of one account’s migration: show it, start or retry it, retry or discard its dead letters.
import type { Request, Response } from 'express';
import { addressedAccount, pathPartOf } from '../inbox/account-address.ts';
import { reasonIn } from '../jobs/dead-letters-page.ts';
import * as jobs from '../jobs/jobs.ts';
import { lookOf } from '../jobs/view.ts';
import { Conflict, Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { sendEvents } from '../web/event-stream.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import { actionOf, mayMoveAgain } from './actions.ts';
import { causeText, handledText, inOneGo, letterView } from './causes.ts';
import { doingText, livePart, liveView } from './live.ts';
import { earlierRuns } from './move-view.ts';
import * as moves from './moves.ts';
import type { Move } from './moves.ts';
import { lettersByCause } from './overview.ts';
import { requestMove } from './requests.ts';
import { discardLetters, retryLetters } from './retries.ts';
import { isActive } from './status.ts';
import { waveById } from './waves.ts';

type Named = Pick<Move, 'account_id' | 'external_id'>;

const partOf = ({ account_id: id, external_id }: Named) => pathPartOf({ id, external_id });

/** Returns the URL of the page that shows an account’s migration. */
export const hrefOf = (move: Named) => `/account-moves/${partOf(move)}`;

async function addressedMove(req: Request): Promise<Move> {
  const { id, external_id } = await addressedAccount(req.here, String(req.params['account']));
  const move = await moves.byAccount(req.here.sql, id);
  if (!move) throw new NotFound(`Nobody has asked for account ${external_id} yet.`);
  return move;
}

const crumbsOf = (move: Move) => [
  { text: 'Account migrations', href: '/account-moves' },
  { text: move.external_id, href: hrefOf(move) },
];

export async function show(req: Request, res: Response) {
  const { sql: on } = req.here;
  const move = await addressedMove(req);
  const events = await moves.eventsOf(on, move.account_id);
  const job = move.job === null ? undefined : await jobs.byId(on, move.job);
  const wave = move.wave_id === null ? undefined : await waveById(on, move.wave_id);
  await page(req, res, 'account-moves/move', {
    title: `Account ${move.external_id}`,
    crumbs: crumbsOf(move),
    move,
    href: hrefOf(move),
    inboxHref: `/inbox/${partOf(move)}`,
    live: liveView(move, events),
    isLive: isActive(move),
    doing: doingText(move),
    action: actionOf(move),
    mayMoveAgain: mayMoveAgain(move),
    job: job ? { number: job.number, look: lookOf(job.state) } : null,
    wave: wave ?? null,
    letters: (await lettersByCause(on, move.external_id)).map(letterView),
    runs: earlierRuns(move, events),
  });
}

/**
 * Streams a migration’s progress as server-sent events. The format is that of a job’s progress, so
 * that one browser script handles both.
 */
export async function events(req: Request, res: Response) {
  const { account_id: account } = await addressedMove(req);
  const { sql: on } = req.here;
  let shown = '';
  await sendEvents(req, res, async () => {
    const move = await moves.byAccount(on, account);
    if (!move) return null;
    const part = livePart(move, await moves.eventsOf(on, account));
    const live = part === shown ? undefined : part;
    shown = part;
    const isLast = !isActive(move);
    const progress = { done: move.messages, total: move.expected_messages ?? 0 };
    const data = { state: isLast ? 'done' : 'running', ...progress, doing: doingText(move), live };
    return { data, isLast };
  });
}

/** Starts, continues or retries the account’s migration, depending on its status. */
export async function run(req: Request, res: Response) {
  const move = await addressedMove(req);
  const { job, move: after } = await requestMove(req.here, {
    account: move.external_id,
    part: actionOf(move)?.part ?? 'whole',
    person: accountOf(req).email,
  });
  if (job) await req.line.push(job);
  flash(req, job ? 'The migration goes on.' : unchanged(after));
  res.redirect(303, hrefOf(move));
}

const unchanged = ({ migration_status: status }: Move): string =>
  status === 'not_needed'
    ? 'The older system does not know this account: there is nothing to migrate.'
    : 'Nothing was changed: the migration runs already, or is completed.';

/** Shows the page that asks a person to confirm migrating an account again from the start. */
export const showAgain = async (req: Request, res: Response) =>
  againPage(req, res, await addressedMove(req), {});

async function againPage(req: Request, res: Response, move: Move, errors: FieldErrors) {
  if (!mayMoveAgain(move)) throw new Conflict('This account was never migrated: start it first.');
  await page(req, res, 'account-moves/again', {
    title: `Migrate ${move.external_id} again`,
    crumbs: [...crumbsOf(move), { text: 'Migrate again' }],
    move,
    href: hrefOf(move),
    isRunning: isActive(move),
    typed: req.form.raw('confirm') ?? '',
    errors,
  });
}

export async function moveAgain(req: Request, res: Response) {
  const move = await addressedMove(req);
  const begin = async () => {
    if (req.form.text('confirm') !== move.external_id) {
      throw new Invalid({ confirm: `Enter the id of the account: ${move.external_id}` });
    }
    const { job } = await requestMove(req.here, {
      account: move.external_id,
      force: true,
      person: accountOf(req).email,
    });
    if (job) await req.line.push(job);
    flash(req, job ? 'The next run has begun.' : unchanged(move));
    res.redirect(303, hrefOf(move));
  };
  await orShowErrors(res, begin, (errors) => againPage(req, res, move, errors));
}

export async function retryRecords(req: Request, res: Response) {
  const move = await addressedMove(req);
  const wanted = {
    account: move.external_id,
    cause: req.form.text('cause'),
    person: accountOf(req).email,
  };
  const handled = await retryLetters(req.here, wanted, (job) => req.line.push(job));
  flash(req, handledText('retried', handled));
  res.redirect(303, hrefOf(move));
}

/**
 * Shows the form on which a person gives the reason for discarding the dead letters of one cause.
 */
export const showDiscarding = async (req: Request, res: Response) =>
  discardingPage(req, res, await addressedMove(req), {});

async function discardingPage(req: Request, res: Response, move: Move, errors: FieldErrors) {
  const cause = req.form.raw('cause') ?? textIn(req.query, 'cause');
  const all = await lettersByCause(req.here.sql, move.external_id);
  const found = all.find((one) => one.cause === cause);
  if (!found) throw new Conflict('No record of this account waits for a decision for this cause.');
  const what = inOneGo(found);
  await page(req, res, 'jobs/discarding', {
    title: `Discard ${what} of ${move.external_id}`,
    crumbs: [...crumbsOf(move), { text: 'Discard' }],
    what,
    consequence:
      'They will not be in the inbox. The list of dead letters keeps them, with your reason.',
    facts: [
      { label: 'Account', value: move.external_id },
      { label: 'Cause', value: causeText(cause) },
      { label: 'The last one', value: found.reason },
    ],
    action: `${hrefOf(move)}/records/discarding`,
    hidden: [{ name: 'cause', value: cause }],
    back: hrefOf(move),
    typed: req.form.raw('reason') ?? '',
    errors,
  });
}

export async function discardRecords(req: Request, res: Response) {
  const move = await addressedMove(req);
  const discardPosted = async () => {
    const handled = await discardLetters(req.here, {
      account: move.external_id,
      cause: req.form.text('cause'),
      reason: reasonIn(req),
      person: accountOf(req).email,
    });
    flash(req, handledText('discarded', handled));
    res.redirect(303, hrefOf(move));
  };
  await orShowErrors(res, discardPosted, (errors) => discardingPage(req, res, move, errors));
}
