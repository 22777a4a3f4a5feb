// Asks for the approval of a second person, and checks it when a transfer is sent. A request is bound to the hash of the
// plan that its asker saw, so that only this plan can be sent with it.
import { v7 as uuid } from 'uuid';
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { forgetCached } from '../database/cached-for.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { emailAbout, notify, notifyHolders } from '../messages/messages.ts';
import { Conflict, Forbidden } from '../problems.ts';
import type { Approval } from '../sheet/approval.ts';
import type { Plan } from '../sheet/plan.ts';
import * as selections from '../sheet/selections.ts';
import type { Selection } from '../sheet/selections.ts';
import { find } from './approval-records.ts';
import { planRows } from './plan-changes.ts';

/** The permission that a person needs to ask for approval, and to approve. */
const SENDER = 'product_manager';

type Asked = { plan: Plan; name: string; reason: string; person: string; to: { inText: string } };

/**
 * Asks for approval of a plan, and notifies everyone who may approve it; returns the id of the request. A later request
 * for the same selection replaces the earlier one. Both clicks of a double click return the same request.
 */
export async function ask(here: App, selection: Selection, asked: Asked): Promise<string> {
  const { plan, name, reason, person } = asked;
  const written = plan.steps.filter(({ action }) => action !== 'same').length;
  const id = uuid();
  const twin = await transaction(here.sql, async (connection) => {
    // The selection is locked, so that two requests for it come one after the other.
    await selections.find(connection, selection.id, selection.kind, { lock: true });
    const waiting = await waitingFor(connection, selection.id);
    const same = waiting.find((one) => isSame(one, asked));
    if (same) return same.id;
    for (const former of waiting) await decide(connection, former, { state: 'withdrawn', person });
    await run(
      connection,
      sql`insert into approval (id, selection, kind, name, reason, plan_hash, rows_count, plan_rows, asked_by)
          values (${id}, ${selection.id}, ${selection.kind}, ${name}, ${reason}, ${plan.hash},
            ${written}, ${JSON.stringify(planRows(plan))}, ${person})`,
    );
    const detail = `${written} ${written === 1 ? 'row' : 'rows'} to ${asked.to.inText}: ${reason}`;
    await audit.write(connection, { person, action: 'asked for approval', subject: name, detail });
    await notifyHolders(connection, {
      event: 'transfer.approval-asked',
      permission: SENDER,
      except: person,
      text: `${person} asks you to approve “${name}” to ${asked.to.inText}: ${reason}`,
      href: `/approvals/${id}`,
      email: emailAbout(here, `“${name}” waits for your approval`),
    });
    return null;
  });
  forgetCached();
  return twin ?? id;
}

/** Whether a new request only repeats the waiting request, because its form was posted twice. */
const isSame = (waiting: Approval, { plan, name, reason, person }: Asked) =>
  waiting.plan_hash === plan.hash &&
  waiting.name === name &&
  waiting.reason === reason &&
  waiting.asked_by === person;

/**
 * Finds and locks the waiting requests for a selection. Each request is locked by its id, because a person who approves
 * or refuses it locks it by its id, too: a lock through another index could cause a deadlock.
 */
async function waitingFor(connection: PoolConnection, selection: string): Promise<Approval[]> {
  const lines = await select<{ id: string }>(
    connection,
    sql`select id from approval where selection = ${selection} and state = 'waiting'`,
  );
  const found = [];
  for (const { id } of lines) found.push(await find(connection, id, { lock: true }));
  return found.filter(({ state }) => state === 'waiting');
}

/**
 * A request for approval and the person who approves it. The commit that records the transfer also checks the request
 * and marks it as approved.
 */
export type GivenApproval = { id: string; by: string };

/** The plan and the selection that are sent, and the person who asked for approval. */
type Click = { planHash: string; person: string; selection: string };

/**
 * Checks that the person may approve the request, and that the request is for this plan.
 * @throws Forbidden when the person asked for this approval, or when that person or the asker may not transfer any more
 * @throws Conflict when the request has been decided already, or is for another plan
 */
export async function checkApproval(
  on: Queryable,
  { id, by }: GivenApproval,
  { planHash, person, selection }: Click,
  { lock = false } = {},
): Promise<Approval> {
  const approval = await find(on, id, { lock });
  if (approval.asked_by === by)
    throw new Forbidden(`${ownRequest} It needs another product manager.`);
  if (approval.state !== 'waiting') throw new Conflict(notWaiting(approval));
  const isForThis = approval.plan_hash === planHash && approval.selection === selection;
  if (!isForThis || approval.asked_by !== person) {
    throw new Conflict('This request is for another transfer.');
  }
  for (const email of [by, approval.asked_by]) {
    if (!(await maySend(on, email))) {
      throw new Forbidden(`${email} may not transfer any more, so nothing was sent.`);
    }
  }
  return approval;
}

const ownRequest = 'You asked for this approval yourself.';

/**
 * Returns a function that marks a request as approved. The function runs in the commit that records the transfer of the
 * request.
 */
export const takeApproval =
  (given: GivenApproval | undefined, click: Click) =>
  async (connection: PoolConnection, transfer: { id: string; number: number }) => {
    if (given) await approve(connection, given, click, transfer);
  };

async function approve(
  connection: PoolConnection,
  given: GivenApproval,
  click: Click,
  transfer: { id: string; number: number },
) {
  const approval = await checkApproval(connection, given, click, { lock: true });
  await decide(connection, approval, {
    state: 'approved',
    person: given.by,
    transfer: transfer.id,
  });
  const { name: subject, asked_by: to } = approval;
  await audit.write(connection, {
    person: given.by,
    action: 'approved',
    subject,
    detail: `asked by ${to}`,
    transfer: transfer.id,
  });
  await notify(connection, {
    event: 'transfer.approved',
    to,
    text: `${given.by} approved “${subject}”: transfer ${transfer.number}`,
    href: `/transfers/${transfer.number}`,
  });
}

/** Refuses a request, with a note for its asker. */
export const refuse = (here: App, id: string, person: string, note: string) =>
  end(here, id, async (connection, approval) => {
    if (approval.asked_by === person) throw new Forbidden(`${ownRequest} You can withdraw it.`);
    await decide(connection, approval, { state: 'refused', person, note });
    const { name: subject, asked_by: to } = approval;
    await audit.write(connection, { person, action: 'refused approval', subject, detail: note });
    const text = `${person} did not approve “${subject}”: ${note}`;
    await notify(connection, {
      event: 'transfer.approval-refused',
      to,
      text,
      href: `/approvals/${id}`,
      email: emailAbout(here, `“${subject}” was not approved`),
    });
  });

export const withdraw = (here: App, id: string, person: string) =>
  end(here, id, async (connection, approval) => {
    if (approval.asked_by !== person) throw new Forbidden('Only its asker can withdraw a request.');
    await decide(connection, approval, { state: 'withdrawn', person });
    const subject = approval.name;
    await audit.write(connection, { person, action: 'withdrew a request for approval', subject });
  });

/**
 * Ends a request because its plan has changed since approval was asked for, and notifies the person who asked. Does
 * nothing if the request has ended already.
 */
export async function overtake(here: App, { id }: Approval, person: string) {
  await transaction(here.sql, async (connection) => {
    const approval = await find(connection, id, { lock: true });
    if (approval.state !== 'waiting') return;
    await decide(connection, approval, { state: 'overtaken', person });
    await notify(connection, {
      event: 'transfer.approval-overtaken',
      to: approval.asked_by,
      text: `“${approval.name}” was not sent: something changed since you asked for approval. Review it and ask again.`,
      href: `/approvals/${id}`,
      email: emailAbout(here, `“${approval.name}” was not sent`),
    });
  });
  forgetCached();
}

async function end(
  here: App,
  id: string,
  act: (connection: PoolConnection, approval: Approval) => Promise<void>,
) {
  await transaction(here.sql, async (connection) => {
    const approval = await find(connection, id, { lock: true });
    if (approval.state !== 'waiting') throw new Conflict(notWaiting(approval));
    await act(connection, approval);
  });
  forgetCached();
}

type Decided = {
  state: Exclude<Approval['state'], 'waiting'>;
  person: string;
  note?: string;
  transfer?: string;
};

const decide = (
  connection: PoolConnection,
  { id }: Approval,
  { state, person, note, transfer }: Decided,
) =>
  run(
    connection,
    sql`update approval
           set state = ${state}, decided_by = ${person}, decided_at = utc_timestamp(3),
               note = ${note ?? null}, transfer = ${transfer ?? null}
         where id = ${id}`,
  );

function notWaiting({ state, decided_by: by }: Approval): string {
  const texts = {
    waiting: '',
    approved: `${by} has approved this request already.`,
    refused: `${by} has refused this request.`,
    withdrawn: 'This request was withdrawn or replaced by a newer one.',
    overtaken: 'Something changed since this was asked. It must be reviewed and asked again.',
  };
  return texts[state];
}

/**
 * Whether a person has an open account and may transfer. The database rows of the person and the permission are locked,
 * because only a locking read sees what others have committed since this transaction began.
 */
async function maySend(on: Queryable, email: string): Promise<boolean> {
  const line = await first(
    on,
    sql`select 1 from person join permission on permission.person_id = person.id
         where person.email = ${email} and person.active and permission.name = ${SENDER}
         lock in share mode`,
  );
  return line !== undefined;
}
