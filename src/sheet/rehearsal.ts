// Tries the MySQL half of a transfer at the destination and rolls it back, so that errors of the server appear before
// the transfer is sent. MongoDB documents are not tried, because they could not be rolled back.
import type { PoolConnection } from 'mysql2/promise';
import { command } from '../database/sql.ts';
import { whyMysqlRefused } from '../database/refusals.ts';
import { isUnwilling, unwillingness } from '../database/unwillingness.ts';
import { read } from '../rows/store.ts';
import { UnknownName } from '../rows/links.ts';
import { Conflict } from '../problems.ts';
import { rulesOf } from '../environments/rules.ts';
import { count } from '../web/format.ts';
import { writeRows } from '../writing/apply.ts';
import { lockWithoutClock } from '../writing/row-locks.ts';
import { isDocumentStep } from '../writing/documents.ts';
import type { Step } from '../writing/journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import type { Selection } from './selections.ts';
import { prepareSheet } from './sheet.ts';
import { unreachable } from '../environments/unreachable.ts';
import type { Route } from './route.ts';

const BUSY = 'Someone is writing these rows right now, so they could not be rehearsed. Try again.';

/**
 * A linked name that the plan creates has no id yet. For the rehearsal, the name gets an id that no environment
 * assigns.
 */
const REHEARSED = 4_000_000_000;

/** Whether the destination’s MySQL refuses a plan, and the sentence that the sheet shows about it. */
export type Rehearsal = { isRefused: boolean; text: string };

export async function rehearse(route: Route, selection: Selection): Promise<Rehearsal> {
  const { plan } = await prepareSheet(route, selection);
  const written = plan.steps.filter((step) => step.action !== 'same');
  const steps = written.filter((step) => !isDocumentStep(step));
  const place = rulesOf(route.to.name).inText;
  if (steps.length === 0) {
    const text = 'Nothing to rehearse: only documents are written.';
    return { isRefused: false, text };
  }
  const why = await refusal(route, steps);
  const rows = steps.length === 1 ? 'the row' : `all ${steps.length} rows`;
  const outcome = why === null ? `accepts ${rows}` : `would refuse it: ${why}`;
  const documents = written.length - steps.length;
  const rest = documents > 0 ? ` Not rehearsed: ${documentsText(documents)}.` : '';
  const text = `Rehearsed: MySQL in ${place} ${outcome}. Nothing was kept.${rest}`;
  return { isRefused: why !== null, text };
}

const documentsText = (number: number) =>
  number === 1 ? '1 row, which is a document' : `${count(number)} rows, which are documents`;

async function refusal({ to: there }: Route, steps: Step[]): Promise<string | null> {
  const connection = await there.writers.getConnection().catch((error: unknown) => {
    throw unreachable(error, there);
  });
  try {
    await command(connection, 'SET SESSION innodb_lock_wait_timeout = 1');
    await command(connection, 'START TRANSACTION');
    await tryRows(connection, steps.map(withId), there);
    return null;
  } catch (error) {
    if (error instanceof UnknownName) return error.message;
    if (unwillingness(error) === 'busy') throw new Conflict(BUSY);
    const why = isUnwilling(error) ? null : whyMysqlRefused(error);
    if (why === null) throw unreachable(error, there);
    return why;
  } finally {
    // This connection has a changed lock timeout, so it is not reused. Closing it also rolls the
    // transaction back.
    connection.destroy();
  }
}

async function tryRows(connection: PoolConnection, steps: Step[], there: Route['to']) {
  const place = { sql: connection, documents: there.documents };
  await lockWithoutClock(connection, steps);
  const now = await read(place, steps);
  const instant = new Date().toISOString();
  await writeRows(connection, inWritingOrder(steps), now, () => instant, 'all');
}

const withId = (step: Step): Step => {
  const id = step.id > 0 ? step.id : REHEARSED - step.id;
  return { ...step, id, after: step.after && { ...step.after, id } };
};
