// A transfer for its page: its state, the result of each row, and the decisions that a person can make.
import { fieldEntries, labelOf } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { rulesOf, sourceText } from '../environments/rules.ts';
import { isUndo, type TransferKind } from '../state/transfer-kinds.ts';
import { count, formatValue, rowsText, undoneText } from '../web/format.ts';
import { PAGE_SIZE } from '../web/paginate.ts';
import * as journal from '../writing/journal.ts';
import type { ManualResolution, StuckRow } from '../writing/manual-resolution.ts';
import type { ListedTransfer } from './list.ts';
import { outcomeText, timeRemarks } from './remarks.ts';

const kindTexts: Partial<Record<TransferKind, string>> = {
  transfer: 'Transfer',
  undo: 'Undo',
  'undo-here': 'Undo',
  takeover: 'Taken over',
  restore: 'Restored from production',
  save: 'Save',
};

/** The texts of states in the list of transfers. All states that are missing here are shown as *In progress*. */
export const stateTexts: [journal.TransferState, string][] = [
  ['verified', 'Done'],
  ['refused', 'Refused: nothing written'],
  ['rolled_back', 'Rolled back: nothing written'],
  ['needs_attention', 'Needs attention'],
];
const stateTextOf = new Map(stateTexts);

/** Returns a transfer as the list of transfers shows it, with its kind and state as text. */
export const listLine = (transfer: ListedTransfer) => {
  const undone = undoneText(transfer.undone_count, transfer.steps);
  return {
    ...transfer,
    kindText: kindTexts[transfer.kind] ?? transfer.kind,
    stateText: stateTextIn(transfer, undone),
    undoHref: transfer.differing === 0 && undone ? `/transfers/${transfer.undone_in}` : null,
  };
};

function stateTextIn({ state, differing, steps }: ListedTransfer, undone: string | null): string {
  if (differing > 0) return journal.notAsSentText(differing, steps);
  return undone ?? stateTextOf.get(state) ?? 'In progress';
}

/** Returns the name of the partial in views/transfers/states that shows the state of a transfer. */
export function shownState({ state }: journal.Transfer, isInAJob: boolean): string {
  if (state === 'verified') return 'verified';
  if (journal.liveStates.includes(state)) return isInAJob ? 'in-a-job' : 'running';
  return state === 'needs_attention' ? 'needs-attention' : 'nothing-written';
}

/** Returns the route of a transfer as text: `from staging to pre-production` */
export function routeText({ kind, origin, destination }: journal.Transfer): string {
  const [from, to] = [rulesOf(origin).inText, rulesOf(destination).inText];
  if (isUndo({ kind })) return `undo in ${to}`;
  if (kind === 'takeover') return `from ${sourceText(destination)} into ${to}`;
  return kind === 'restore' ? `from production into ${to}` : `from ${from} to ${to}`;
}

const doneVerbs: Partial<Record<TransferKind, string>> = {
  undo: 'undone in',
  'undo-here': 'undone in',
  takeover: 'taken over into',
  restore: 'restored into',
};

/** Returns the headline of a completed transfer: `3 rows transferred to pre-production.` */
export const doneText = ({ kind, destination }: journal.Transfer, written: number) =>
  `${rowsText(written)} ${doneVerbs[kind] ?? 'transferred to'} ${rulesOf(destination).inText}.`;

/** Returns a row of a transfer with its result. `owner`: the title of its topmost parent row, if it has one. */
export function stepLine(
  { kind, state }: journal.Transfer,
  step: journal.WrittenStep,
  owner: string | null,
) {
  const entity = entityNamed(step.entity);
  const isSame = step.action === 'same';
  const pending = journal.liveStates.includes(state) ? 'in progress' : 'not written';
  return {
    entity,
    owner,
    id: step.id,
    title: step.title,
    tested: step.tested ?? null,
    offersUndo: !isSame,
    outcome: isSame ? 'unchanged, skipped' : (outcomeText(step) ?? pending),
    times: timeRemarks(step),
    because: step.because ?? (isUndo({ kind }) ? 'undone' : 'selected'),
    leftOut: step.excludedFields.map((name) => labelOf(entity, name)).join(', '),
  };
}

const choiceTexts: Record<journal.Decision, { text: string; hint: string }> = {
  'try-again': {
    text: 'Try again',
    hint: 'Continues where it stopped. Changes by others are not overwritten.',
  },
  'roll-back': {
    text: 'Roll back mine, keep theirs',
    hint: 'Restores everything this transfer wrote. Changes by others stay.',
  },
  'keep-theirs': {
    text: 'Keep their version',
    hint: 'Ends the transfer here. Rows that differ from the plan are listed as not written.',
  },
};

/**
 * Returns the values that the page of a transfer shows when the transfer needs attention: the present values at the
 * destination, and the decisions that a person can make.
 */
export function resolutionView({ destination }: journal.Transfer, found: ManualResolution) {
  const foreign = found.rows.filter(({ isForeign }) => isForeign);
  // If other people changed rows meanwhile, only these rows are listed, because the decision is
  // about their changes.
  const listed = foreign.length > 0 ? foreign : found.rows;
  const shown = listed.slice(0, PAGE_SIZE);
  const cut = shown.length < listed.length ? ` The first ${shown.length} are shown.` : '';
  return {
    choices: found.choices.map((value) => ({ value, ...choiceTexts[value] })),
    summary: `${summaryOf(foreign.length, found.rows.length)}${cut}`,
    columns: [
      { side: 'before', label: 'Before' },
      { side: 'after', label: 'Planned' },
      { side: 'now', label: `${rulesOf(destination).label} now` },
    ],
    rows: shown.map(resolutionRow),
  };
}

function summaryOf(foreign: number, all: number): string {
  if (foreign === 0) return `None of its ${count(all)} rows was changed by anyone else.`;
  const changed = `${foreign === 1 ? '1 row was' : `${count(foreign)} rows were`} changed there by someone else`;
  const others = all - foreign;
  if (others === 0) return `${changed}.`;
  const rest = others === 1 ? 'another is' : `the other ${count(others)} are`;
  return `${changed}; ${rest} as this transfer knows them.`;
}

function resolutionRow({ step, now, isForeign }: StuckRow) {
  const entity = entityNamed(step.entity);
  const fields = fieldEntries(entity)
    .filter(([, field]) => !field.local)
    .map(([name, field]) => ({
      label: labelOf(entity, name),
      definition: field,
      values: { before: step.before?.[name], after: step.after?.[name], now: now?.[name] },
      before: formatValue(field, step.before?.[name]),
      after: formatValue(field, step.after?.[name]),
      now: formatValue(field, now?.[name]),
    }));
  const known = now === null ? 'Not there' : 'As expected';
  return {
    step,
    entity,
    note: isForeign ? 'Changed there by someone else' : known,
    fields: fields.filter(({ before, after, now: value }) => before !== after || before !== value),
  };
}
