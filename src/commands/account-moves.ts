// The command `oneway accounts`, which shows, starts and retries the migrations of single accounts.
import type { Command } from 'commander';
import { actionOf } from '../account-moves/actions.ts';
import { accountView } from '../account-moves/api-view.ts';
import { moveKinds } from '../account-moves/job-requests.ts';
import { countsText, lookOf } from '../account-moves/move-view.ts';
import { byExternalId, countsOf, type Move } from '../account-moves/moves.ts';
import { requestMove, type Requested } from '../account-moves/requests.ts';
import { retryLetters } from '../account-moves/retries.ts';
import { type App } from '../environments/app.ts';
import { openRedis } from '../environments/redis.ts';
import { needMoves } from '../inbox/account-address.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import { MOST_OPEN, openOnes, type OpenLetter } from '../jobs/open-letters.ts';
import type { Job } from '../jobs/jobs.ts';
import { openQueue } from '../jobs/queue.ts';
import { Conflict, NotFound } from '../problems.ts';
import { tasks } from '../tasks.ts';
import { count, exactly } from '../web/format.ts';
import { actor, answer, columns, UsageError, withApp } from './cli.ts';

type Json = { json?: boolean };
type Start = Json & { force?: boolean };
type Retry = Json & { cause?: string };

/** Adds the command `oneway accounts`. */
export function addAccountMoves(program: Command) {
  const own = program
    .command('accounts')
    .description('accounts that are migrated from the older system');
  own
    .command('status')
    .argument('<id>', 'the id of the account in the older system')
    .option('--json')
    .description('how far the migration of an account is')
    .action((id: string, { json }: Json) => withApp((here) => showStatus(here, id, json)));
  own
    .command('start')
    .argument('<id>')
    .option('--force', 'migrate it again from the start; the inbox stays readable')
    .option('--json')
    .description('migrate an account now, ahead of all waves')
    .action((id: string, wanted: Start) => withApp((here) => start(here, id, wanted)));
  own
    .command('retry')
    .argument('<id>')
    .option('--cause <cause>', 'only dead letters of this cause')
    .option('--json')
    .description('continue a failed migration; otherwise retry the dead letters of the account')
    .action((id: string, wanted: Retry) => withApp((here) => retry(here, id, wanted)));
  own
    .command('dead-letters')
    .argument('<id>')
    .option('--json')
    .description('what of an account could not be brought here')
    .action((id: string, { json }: Json) => withApp((here) => listLetters(here, id, json)));
}

async function knownMove(here: App, id: string): Promise<Move> {
  needMoves(here);
  const move = await byExternalId(here.sql, id);
  if (!move)
    throw new NotFound(`There is no account ${id} here. Start it: oneway accounts start ID`);
  return move;
}

async function showStatus(here: App, id: string, isJson: boolean | undefined) {
  const move = await knownMove(here, id);
  answer(isJson, accountView(move), () => inLines(move));
}

function inLines(move: Move): string[] {
  const { percent, seconds_left: left, last_error: error } = accountView(move);
  const progress = percent === null ? '' : `, ${percent} %`;
  return [
    `${move.external_id}: ${lookOf(move.migration_status).text}${progress}, run ${count(move.run)}.`,
    ...(left === null || left === 0 ? [] : [`About ${count(left)} s left.`]),
    `Here: ${countsText(countsOf(move))}.`,
    ...(error ? [`${error.message} (${error.code}, ${exactly(error.at)})`] : []),
  ];
}

async function start(here: App, id: string, { force, json }: Start) {
  needMoves(here);
  if (!EXTERNAL_ID.test(id)) throw new UsageError(`“${id}” is no id of an account.`);
  const person = await actor(here, 'move-accounts');
  const known = await byExternalId(here.sql, id);
  const part = (known && actionOf(known)?.part) ?? 'whole';
  const requested = await requestMove(here, {
    account: id,
    part: force === true ? 'whole' : part,
    force: force === true,
    person,
  });
  await tellRequested(here, requested, json);
}

async function tellRequested(
  here: App,
  { move, isAccepted, job }: Requested,
  isJson: boolean | undefined,
) {
  if (job) await queue(here, [job]);
  const shown = { ...accountView(move), accepted: isAccepted, job: job?.number ?? null };
  answer(isJson, shown, () => [
    job ? `Job ${job.number} migrates it.` : 'Nothing was changed.',
    ...inLines(move),
  ]);
}

/** Queues jobs at once. If Redis does not answer, the server queues the jobs itself within some seconds. */
async function queue(here: App, jobs: Job[]) {
  const redis = await openRedis(here).catch(() => null);
  if (!redis) return;
  const line = openQueue(here, redis, tasks);
  await line.pushAll(jobs);
  await line.close();
  redis.destroy();
}

async function retry(here: App, id: string, { cause, json }: Retry) {
  const move = await knownMove(here, id);
  const person = await actor(here, 'move-accounts');
  if (move.migration_status === 'failed' && cause === undefined) {
    const { external_id: account, part } = move;
    return tellRequested(here, await requestMove(here, { account, part, person }), json);
  }
  const wanted = { account: move.external_id, person, ...(cause !== undefined && { cause }) };
  const jobs: Job[] = [];
  let handled = await retryLetters(here, wanted);
  for (; ; handled = await retryLetters(here, wanted)) {
    await queue(here, handled.jobs);
    jobs.push(...handled.jobs);
    if (handled.left === 0 || handled.count === 0) break;
  }
  if (jobs.length === 0) {
    const of = cause === undefined ? '' : ` of the cause “${cause}”`;
    throw new Conflict(
      handled.passed > 0
        ? `All dead letters${of} of ${id} are being retried already. Nothing was done.`
        : `${id} has no dead letters${of}, and did not fail. Nothing was done.`,
    );
  }
  answer(
    json,
    { id: move.external_id, retried: jobs.length, jobs: jobs.map((one) => one.number) },
    () => [`${lettersText(jobs.length)} of ${move.external_id} retried.`],
  );
}

const lettersText = (number: number) =>
  number === 1 ? '1 dead letter' : `${count(number)} dead letters`;

async function allLetters(here: App, subject: string): Promise<OpenLetter[]> {
  const filter = { kinds: moveKinds, subject, cause: null, ids: null };
  const all: OpenLetter[] = [];
  for (;;) {
    const some = await openOnes(here.sql, filter, all.at(-1)?.id);
    all.push(...some);
    if (some.length < MOST_OPEN) return all;
  }
}

async function listLetters(here: App, id: string, isJson: boolean | undefined) {
  const { external_id: subject } = await knownMove(here, id);
  const found = await allLetters(here, subject);
  // The payload of a dead letter is not printed, because it may contain the text of a message.
  const shown = found.map(
    ({ id: number, item_key: item, cause, reason, attempts, failed_at: at }) => ({
      id: number,
      item,
      cause,
      reason,
      attempts,
      at,
    }),
  );
  answer(isJson, shown, () =>
    shown.length === 0
      ? [`${subject} has no open dead letters.`]
      : columns(
          shown.map((one) => [
            String(one.id),
            one.cause ?? '-',
            one.item,
            one.reason,
            exactly(one.at),
          ]),
        ),
  );
}
