// Notifies people of what a transfer did to rows that they had changed or sent. The messages are written in the commit
// that ends the transfer.
import type { PoolConnection } from 'mysql2/promise';
import { keyText } from '../catalog/entity.ts';
import { ownerOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import { rulesOf } from '../environments/rules.ts';
import { notifyOnce, type RowNews } from '../messages/notify-once.ts';
import { lastWrites } from '../state/history.ts';
import type { Authors } from '../state/row-state.ts';
import { isSent } from '../state/transfer-kinds.ts';
import {
  addTo,
  affectedBy,
  listed,
  rowsOf,
  type Affected,
  type AffectedByPerson,
} from './affected.ts';
import { AS_BEFORE } from './former-base.ts';
import * as journal from './journal.ts';
import type { Work } from './work.ts';

/**
 * Notifies people when a transfer or undo has ended at its destination: those whose rows arrived or were undone, and
 * those whose edits at the destination were replaced. `authors`: who last changed each row here. Returns the people who
 * were notified that their rows were undone.
 */
export async function notifyOfTransfer(
  on: PoolConnection,
  work: Work,
  authors: Authors,
): Promise<string[]> {
  const { here, there, transfer, steps } = work;
  if (here.name === there.name || !isSent(transfer)) return [];
  const undone = transfer.undoes === null ? undefined : await journal.byId(on, transfer.undoes);
  const affected: AffectedByPerson = undone?.undoes ? new Map() : changedBy(authors, steps);
  if (undone) {
    affected.delete(undone.person);
    for (const step of rootsFirst(steps)) addTo(affected, undone.person, affectedBy(step));
  }
  const notified: string[] = [];
  for (const [to, rows] of listed(affected)) {
    const notice = undone ? undoneNotice(work, undone, to, rows) : arrivedNotice(work, to, rows);
    if (await notifyOnce(on, here, notice)) notified.push(to);
  }
  await notifyOvertakenThere(on, work);
  return undone ? notified : [];
}

/** Groups the rows of the steps by the person who last changed each row in this environment. */
function changedBy(authors: Authors, steps: journal.Step[]): AffectedByPerson {
  const found: AffectedByPerson = new Map();
  for (const step of rootsFirst(steps)) {
    const by = authors.get(keyText(step));
    if (by !== undefined) addTo(found, by, affectedBy(step));
  }
  return found;
}

/**
 * Sorts the steps so that dependent rows come last, because people know a row by the title of its topmost parent row.
 */
const rootsFirst = (steps: journal.Step[]) => [
  ...steps.filter((step) => !isDependent(step)),
  ...steps.filter(isDependent),
];

function isDependent({ entity: name, before, after }: journal.Step): boolean {
  const row = after ?? before;
  return row !== null && ownerOf(entityNamed(name), row) !== null;
}

const placeOf = ({ transfer }: Work) => rulesOf(transfer.destination).inText;

const ofTransfer = ({ transfer }: Work, to: string, rows: Affected[]) => ({
  to,
  by: transfer.person,
  cause: transfer.id,
  rows: rowsOf(rows),
  href: `/transfers/${transfer.number}`,
});

const undoneNotice = (
  work: Work,
  undone: journal.Transfer,
  to: string,
  rows: Affected[],
): RowNews => ({
  ...ofTransfer(work, to, rows),
  event: 'rows.undone',
  text: (named) =>
    `${work.transfer.person} undid ${named} in ${placeOf(work)}, from “${undone.name}”.${reasonText(work)}`,
  subject: `Your rows were undone in ${placeOf(work)}`,
});

const reasonText = ({ transfer: { reason } }: Work) => (reason ? ` Reason: ${reason}` : '');

const arrivedNotice = (work: Work, to: string, rows: Affected[]): RowNews => ({
  ...ofTransfer(work, to, rows),
  event: 'rows.arrived',
  text: (named) =>
    `${work.transfer.person} transferred ${named} to ${placeOf(work)}. ${whereToTest(work)}`,
  subject: `Your rows arrived in ${placeOf(work)}`,
});

const whereToTest = ({ there: { rules } }: Work) =>
  rules.isTested
    ? `They are tested there, on the page Arrived of ${rules.inText}.`
    : 'Apps read them there.';

/** Notifies whoever had saved a row at the destination that the transfer replaced it. */
async function notifyOvertakenThere(on: PoolConnection, work: Work) {
  const { here, there, transfer, steps } = work;
  // A row that was still equal to its base had no edit there that this environment did not know.
  const replaced = steps.filter(({ before, base }) => before !== null && base !== AS_BEFORE);
  const found: AffectedByPerson = new Map();
  const last = await lastWrites(there.sql, replaced, { before: transfer.id, withImages: false });
  for (const step of replaced) {
    const write = last.get(keyText(step));
    if (write?.kind === 'save') addTo(found, write.person, affectedBy(step));
  }
  for (const [to, rows] of listed(found)) {
    await notifyOnce(on, here, {
      ...ofTransfer(work, to, rows),
      event: 'edit.overtaken',
      text: (named) =>
        `“${transfer.name}” by ${transfer.person} replaced ${named} in ${placeOf(work)}, which you had saved last there.`,
      subject: 'Your edit was overwritten',
    });
  }
}

/** Notifies the sender of a transfer that it failed. `by`: who decided to roll it back, if somebody did. */
export async function notifyOfFailure(
  on: PoolConnection,
  { here, transfer, steps }: Work,
  why: string,
  by: string | null = null,
) {
  if (!isSent(transfer)) return;
  const inText = rulesOf(transfer.destination).inText;
  await notifyOnce(on, here, {
    event: 'transfer.failed',
    to: transfer.person,
    by,
    cause: transfer.id,
    rows: rowsOf(rootsFirst(steps).map(affectedBy)),
    text: () => `“${transfer.name}” failed, and nothing was changed in ${inText}. ${why}`.trim(),
    href: `/transfers/${transfer.number}`,
    subject: `“${transfer.name}” failed`,
  });
}
