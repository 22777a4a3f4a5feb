// Schedules the transfer of a selection, changes and cancels the schedule, and records how it ended.
import { v7 as uuid } from 'uuid';
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import {
  byPrimaryKey,
  first,
  run,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { emailAbout, notify, notifyHolders, type News } from '../messages/messages.ts';
import { Conflict } from '../problems.ts';
import { isSent } from '../sheet/kept-selections.ts';
import { activeOf, type ScheduledTransfer } from '../sheet/schedules.ts';
import { find } from '../sheet/selections.ts';
import { exactly, exactlyForOthers, iso } from '../web/format.ts';
import { byKey, type Transfer } from '../writing/journal.ts';

export const byId = (on: Queryable, id: string) =>
  first<ScheduledTransfer>(on, sql`select * from scheduled_transfer where id = ${id}`);

type NewSchedule = { selection: string; person: string; reason: string | null; runAt: string };

/**
 * Schedules a selection. `replaces`: the id of the schedule that the page showed; empty if it showed none. Selections
 * cannot be scheduled where another person must approve transfers: the plan is made only at the scheduled time, when
 * nobody can approve it.
 * @throws Conflict when transfers need approval, when the selection was sent already, or when its schedule is no longer
 *   the one that the page showed
 */
export const schedule = (here: App, wanted: NewSchedule, replaces: string) =>
  transaction(here.sql, async (on) => {
    const { selection: id, person, reason, runAt } = wanted;
    if (here.settings.requireApproval) throw new Conflict(NEEDS_APPROVAL);
    const { name, kept_at: keptAt } = await find(on, id, 'transfer', { lock: true });
    if (keptAt === null) throw new Conflict('Keep these rows as a selection before scheduling it.');
    if (await isSent(on, id)) throw new Conflict(`“${name}” was sent already.`);
    const active = await activeOf(on, id);
    if (active && isSame(active, wanted)) return;
    if ((active?.id ?? '') !== replaces) throw new Conflict(outdated(active));
    if (active)
      await endByPerson(here, on, active, {
        person,
        name,
        news: `moved to ${exactlyForOthers(runAt)}`,
      });
    await run(
      on,
      sql`insert into scheduled_transfer (id, selection, person, reason, run_at, state, created_at)
          values (${uuid()}, ${id}, ${person}, ${reason}, ${toSqlInstant(runAt)}, 'waiting', utc_timestamp(3))`,
    );
    const detail = exactly(runAt);
    await audit.write(on, { person, action: 'scheduled a selection', subject: name, detail });
  });

const NEEDS_APPROVAL =
  'Transfers from here need the approval of another product manager, so they cannot be scheduled. Ask for approval on the sheet.';

/** Whether a new schedule only repeats the active schedule, because its form was posted twice. */
const isSame = (active: ScheduledTransfer, { person, reason, runAt }: NewSchedule) =>
  active.person === person && active.reason === reason && iso(active.run_at) === runAt;

const outdated = (active: ScheduledTransfer | undefined) =>
  active
    ? `${active.person} scheduled this selection for ${exactly(active.run_at)} meanwhile. Open it to change that.`
    : 'The schedule that this page showed has ended. Open the selection again.';

/**
 * Cancels a schedule. This is possible even when the schedule is due and waits for its destination to answer.
 * @throws Conflict when the schedule has ended, or when its transfer has been recorded
 */
export const cancel = (here: App, selection: string, id: string, person: string) =>
  transaction(here.sql, async (on) => {
    const { name } = await find(on, selection, 'transfer', { lock: true });
    const active = await activeOf(on, selection);
    if (!active && (await isCancelledBy(on, id, person))) return;
    if (active?.id !== id) throw new Conflict(outdated(active));
    await endByPerson(here, on, active, { person, name, news: 'cancelled' });
    await audit.write(on, { person, action: 'cancelled a schedule', subject: name });
  });

/** Whether this person has already cancelled the schedule, with the first click of a double click. */
async function isCancelledBy(on: Queryable, id: string, person: string): Promise<boolean> {
  const ended = await byId(on, id);
  return ended?.state === 'cancelled' && ended.ended_by === person;
}

type Ended = { person: string; name: string; news: string };

/** Ends a schedule that has no transfer yet. Notifies the person whose schedule it was, if another person ends it. */
async function endByPerson(
  here: App,
  on: PoolConnection,
  { id, selection, person: scheduler }: ScheduledTransfer,
  { person, name, news }: Ended,
) {
  const found = await run(
    on,
    sql`update ${byPrimaryKey('scheduled_transfer')}
           set state = 'cancelled', ended_at = utc_timestamp(3), ended_by = ${person}
         where id = ${id} and state in ('waiting', 'running')`,
  );
  // The UPDATE has locked the row of the schedule, so the job of the schedule cannot record a transfer meanwhile: see
  // refuseEnded().
  if (found === 0 || (await byKey(on, scheduler, id)))
    throw new Conflict(`“${name}” is being transferred now, as scheduled.`);
  if (scheduler === person) return;
  const subject = `The schedule of “${name}” was ${news}`;
  const email = emailAbout(here, subject);
  const text = `${subject} by ${person}.`;
  const href = `/selections/${selection}`;
  await notify(on, { event: 'schedule.changed', to: scheduler, text, href, email });
}

/**
 * Checks, in the commit that records the transfer of a schedule, that nobody has cancelled the schedule.
 * @throws Conflict otherwise
 */
export async function refuseEnded(on: PoolConnection, id: string) {
  const line = await first<ScheduledTransfer>(
    on,
    sql`select * from scheduled_transfer where id = ${id} for update`,
  );
  if (line?.state !== 'running') throw new Conflict(endedText(line));
}

/** Says why a schedule is not carried out any more. */
export const endedText = (line: ScheduledTransfer | undefined) =>
  line?.state === 'cancelled' ? `${line.ended_by} cancelled it.` : 'Its schedule has ended.';

type Outcome =
  | { state: 'sent'; transfer: Transfer }
  | { state: 'stopped'; problem: string; transfer?: Transfer; isClosed?: boolean };

/**
 * Records how a schedule ended, once, and notifies the person who scheduled. `isClosed`: this person can no longer sign
 * in, so all product managers are notified instead.
 */
export const end = (here: App, { id, selection, person }: ScheduledTransfer, outcome: Outcome) =>
  transaction(here.sql, async (on) => {
    const isFirst = await recordEnd(on, id, outcome);
    // A transfer that began and then failed has already notified the person who scheduled it.
    if (!isFirst || (outcome.state === 'stopped' && outcome.transfer)) return;
    const { name } = await find(on, selection).catch(() => ({ name: 'A removed selection' }));
    const news = newsOf(here, name, selection, outcome);
    if (outcome.state === 'stopped' && outcome.isClosed) {
      await notifyHolders(on, { permission: 'product_manager', except: person, ...news });
    } else {
      await notify(on, { to: person, ...news });
    }
  });

async function recordEnd(on: Queryable, id: string, outcome: Outcome): Promise<boolean> {
  const { state } = outcome;
  const problem = state === 'stopped' ? outcome.problem : null;
  const transfer = outcome.transfer?.id ?? null;
  const found = await run(
    on,
    sql`update ${byPrimaryKey('scheduled_transfer')}
           set state = ${state}, problem = ${problem}, transfer = ${transfer}, ended_at = utc_timestamp(3)
         where id = ${id} and state = 'running'`,
  );
  return found === 1;
}

function newsOf(here: App, name: string, selection: string, outcome: Outcome): News {
  const to = here.destination?.rules.inText ?? 'its destination';
  if (outcome.state === 'sent') {
    const subject = `“${name}” was transferred to ${to}`;
    return {
      event: 'schedule.sent',
      text: `${subject} as scheduled: transfer ${outcome.transfer.number}.`,
      href: `/transfers/${outcome.transfer.number}`,
      email: emailAbout(here, subject),
    };
  }
  const subject = `“${name}” was not transferred to ${to}`;
  return {
    event: 'schedule.stopped',
    text: `${subject} as scheduled. ${outcome.problem}`,
    href: `/selections/${selection}`,
    email: emailAbout(here, subject),
  };
}
