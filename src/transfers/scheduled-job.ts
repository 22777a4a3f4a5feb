// Transfers each scheduled selection when its time has come. Schedules are stored in MySQL, so they are carried out
// even after Redis has lost its data or the server was stopped. However many servers run, each schedule gets one job
// and one transfer.
import type { PoolConnection } from 'mysql2/promise';
import { may } from '../access/permissions.ts';
import { first, run, select, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { Interrupted } from '../jobs/interrupted.ts';
import * as jobs from '../jobs/jobs.ts';
import { isPassing } from '../jobs/passing.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { Work } from '../jobs/task.ts';
import * as people from '../people/people.ts';
import { Closed, Problem, Unavailable } from '../problems.ts';
import { sentFrom } from '../sheet/kept-selections.ts';
import { SheetProblems } from '../sheet/problem.ts';
import { routeFrom } from '../sheet/route.ts';
import type { ScheduledTransfer } from '../sheet/schedules.ts';
import * as selections from '../sheet/selections.ts';
import { prepareSheet } from '../sheet/sheet.ts';
import { exactly } from '../web/format.ts';
import { shorten } from '../web/shorten.ts';
import * as journal from '../writing/journal.ts';
import type { Transfer } from '../writing/journal.ts';
import * as schedules from './schedules.ts';
import { send } from './send.ts';

export const SCHEDULED = 'scheduled-transfer';

/**
 * How often a job tries while the destination does not answer or another process is writing one of the rows: for about
 * 15 minutes.
 */
export const ATTEMPTS = 18;

/**
 * Requests a job for every schedule that is due, or whose selection a person has already sent. Ends the schedules whose
 * job failed. Each server calls this function every two seconds.
 */
export const startScheduled = (queue: Pick<JobQueue, 'push'>) => async (here: App) => {
  const due = await select<{ id: string }>(
    here.sql,
    sql`select id from scheduled_transfer scheduled
         where state = 'waiting'
           and (run_at <= utc_timestamp(3)
             or exists (select 1 from transfer
                         where transfer.selection = scheduled.selection and transfer.state = 'verified'))
         order by run_at limit 20`,
  );
  for (const { id } of due) {
    const job = await requestJob(here, id);
    if (job) await queue.push(job);
  }
  await endFailed(here);
};

const requestJob = (here: App, id: string): Promise<jobs.Job | null> =>
  transaction(here.sql, async (on) => {
    const due = await first<{ person: string; selection: string }>(
      on,
      sql`select person, selection from scheduled_transfer
           where id = ${id} and state = 'waiting' for update`,
    );
    if (!due) return null;
    // The selection is read without a lock. The pages lock a selection first and then its schedule, so locking them in
    // the opposite order here could deadlock.
    const selection = await first<{ name: string }>(
      on,
      sql`select name from selection where id = ${due.selection}`,
    );
    const { job } = await jobs.request(on, {
      kind: SCHEDULED,
      name: selection?.name ?? '',
      person: due.person,
      input: { schedule: id },
      priority: 'high',
    });
    await run(
      on,
      sql`update scheduled_transfer set state = 'running', job = ${job.id} where id = ${id}`,
    );
    return job;
  });

async function endFailed(here: App) {
  const failed = await select<ScheduledTransfer & { why: string | null }>(
    here.sql,
    sql`select scheduled.*, job.problem as why
          from scheduled_transfer scheduled left join job on job.id = scheduled.job
         where scheduled.state = 'running'
           and (job.id is null or job.state in ('failed', 'cancelled'))`,
  );
  for (const one of failed) {
    const transfer = await transferOf(here, one);
    if (!transfer) {
      await schedules.end(here, one, { state: 'stopped', problem: one.why ?? 'Its job failed.' });
    } else if (!journal.liveStates.includes(transfer.state)) {
      await endAs(here, one, transfer);
    }
  }
}

/** The transfer of a schedule, if it has one: an earlier attempt may have sent it before its process died. */
const transferOf = (here: App, { person, id }: ScheduledTransfer) =>
  journal.byKey(here.sql, person, id);

/** Plans a scheduled selection again, and sends it if nobody needs to decide anything; otherwise stops the schedule. */
export async function runScheduled(work: Work, { schedule: id }: { schedule: string }) {
  const { here } = work;
  const schedule = await schedules.byId(here.sql, id);
  if (schedule?.state === 'cancelled') return { problem: notSent(schedules.endedText(schedule)) };
  if (schedule?.state !== 'running') return {};
  try {
    const transfer = (await transferOf(here, schedule)) ?? (await sendNow(here, schedule));
    return await endWith(work, schedule, transfer);
  } catch (error) {
    if (error instanceof Interrupted || error instanceof Closed) throw error;
    if (isPassing(error) && work.job.attempt - work.job.attempts_before < ATTEMPTS) throw error;
    // If this attempt has recorded a transfer (in the table `transfer`), recovery still completes or refuses that
    // transfer, whatever error ended the attempt. So the schedule waits for the transfer instead of stopping.
    const transfer = await transferOf(here, schedule);
    if (transfer) return endWith(work, schedule, transfer);
    const problem = whyOf(error);
    const isClosed = error instanceof NobodyToSend;
    await schedules.end(here, schedule, { state: 'stopped', problem, isClosed });
    return { problem: notSent(problem) };
  }
}

/** Waits until the transfer of a schedule has ended, and records its result in the schedule. */
async function endWith({ here, report }: Work, schedule: ScheduledTransfer, sent: Transfer) {
  for (;;) {
    const transfer = await journal.waitUntilEnded(here, sent.id);
    if (!journal.liveStates.includes(transfer.state)) return endAs(here, schedule, transfer);
    await report({ done: 0, total: 0, doing: 'In progress' });
  }
}

/** Records how the transfer of a schedule ended; returns the report of its job. */
async function endAs(here: App, schedule: ScheduledTransfer, transfer: Transfer) {
  const { number, state } = transfer;
  if (state === 'verified') {
    await schedules.end(here, schedule, { state: 'sent', transfer });
    return { transfer: number };
  }
  const problem = `Transfer ${number}: ${transfer.problem ?? 'nothing was written.'}`;
  await schedules.end(here, schedule, { state: 'stopped', problem, transfer });
  return {
    transfer: number,
    problem: state === 'needs_attention' ? `It needs attention. ${problem}` : notSent(problem),
  };
}

const notSent = (problem: string) => `Not sent as scheduled: ${problem}`;

async function sendNow(here: App, schedule: ScheduledTransfer): Promise<Transfer> {
  const { id, person, reason } = schedule;
  await refuseSent(here, schedule);
  await refuseLate(here, schedule);
  await refuseWithoutRight(here, person);
  const selection = await selections.find(here.sql, schedule.selection);
  const route = routeFrom(here, person);
  const { plan } = await prepareSheet(route, selection);
  const waits = plan.problems.filter(({ solutions }) =>
    solutions.some(({ kind }) => kind === 'wait'),
  );
  if (waits.length > 0 && waits.length === plan.problems.length) {
    throw new Unavailable(messageOf(waits));
  }
  const click = {
    planHash: plan.hash,
    idempotencyKey: id,
    name: selection.name,
    reason,
    person,
    confirm: (on: PoolConnection) => schedules.refuseEnded(on, id),
  };
  return send(route, selection, click).catch((error: unknown) => {
    // The plan is outdated because a row has changed since it was made. The next attempt makes a new plan.
    throw isOutdated(error) ? new Unavailable(reasonOf(error)) : error;
  });
}

const isOutdated = (error: unknown) =>
  error instanceof SheetProblems &&
  error.problems.some(({ reason }) => reason === 'sheet-outdated');

/**
 * Checks that no person has sent the selection already: the schedule must not send what was changed after that.
 * @throws Problem when a person has sent the selection
 */
async function refuseSent({ sql: on }: App, { selection }: ScheduledTransfer) {
  const number = (await sentFrom(on, [selection])).get(selection)?.at(-1);
  if (number !== undefined) throw new Problem(409, `It was sent already as transfer ${number}.`);
}

/** @throws Problem when this server was down at the time of the schedule and for a day after it */
async function refuseLate(here: App, { id, run_at: at }: ScheduledTransfer) {
  const isLate = await first(
    here.sql,
    sql`select 1 as one from scheduled_transfer
         where id = ${id} and run_at < utc_timestamp(3) - interval 1 day`,
  );
  if (!isLate) return;
  const message = `It was due on ${exactly(at)}, more than a day ago: the server could not send it before. Review it, and transfer or schedule it again.`;
  throw new Problem(409, message);
}

/** Thrown when the person who scheduled the transfer can no longer sign in. */
class NobodyToSend extends Problem {}

async function refuseWithoutRight(here: App, email: string) {
  const person = await people.withEmail(here.sql, email);
  if (!person?.isActive) {
    throw new NobodyToSend(403, `The account of ${email} is closed, so nobody sent it.`);
  }
  if (!may(person, 'transfer', here.setup)) {
    throw new Problem(403, `${email} has no permission to transfer any more.`);
  }
}

function whyOf(error: unknown): string {
  return error instanceof SheetProblems ? messageOf(error.problems) : reasonOf(error);
}

/** How many problems of a sheet a message lists at most. */
const REPEATED = 3;

function messageOf(problems: { message: string }[]): string {
  const { shown, more } = shorten(
    problems.map(({ message }) => message),
    REPEATED,
  );
  return `${shown.join(' ')}${more > 0 ? ` And ${more} more.` : ''}`;
}
