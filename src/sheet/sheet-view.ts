// The values that a sheet’s page prints above and below its rows. Pure functions.
import { keyText } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { isUndo, writesThere } from '../state/transfer-kinds.ts';
import { count, lowerFirst, plural, rowsText } from '../web/format.ts';
import { PAGE_SIZE, type Page } from '../web/paginate.ts';
import { shorten } from '../web/shorten.ts';
import type { Approval } from './approval.ts';
import { DELETE, OVERWRITE } from './choices.ts';
import type { Plan } from './plan.ts';
import type { PlannedStep } from './planned-step.ts';
import type { ReferrerOffer } from './referrers.ts';
import type { ScheduledTransfer } from './schedules.ts';
import type { Selection, SelectionKind } from './selections.ts';
import { sheetKinds } from './sheet-kinds.ts';
import { sumsOf } from './sums.ts';

type Named = { inText: string };

export function headingOf({ kind, name, kept_at: keptAt }: Selection, to: Named): string {
  if (keptAt !== null) return name;
  if (isUndo({ kind })) return `${name} in ${to.inText}`;
  const { verb, preposition } = sheetKinds[kind];
  return `${verb} ${preposition} ${to.inText}`;
}

export const introOf = (kind: SelectionKind, from: Named, to: Named) =>
  isUndo({ kind })
    ? `Restores what this transfer changed in ${to.inText}.`
    : `From ${from.inText} to ${to.inText}.`;

/** Says when rows are written, by the state of the newest schedule of the selection. */
export function promiseOf(schedule: ScheduledTransfer['state'] | undefined): string {
  if (schedule === 'running') return 'Its scheduled transfer has begun.';
  return schedule === 'waiting'
    ? 'Nothing changes before the scheduled time unless you confirm.'
    : 'Nothing changes until you confirm.';
}

/**
 * Lists the choices that the user has made on this sheet, such as a city to create or an undone row to send again. The
 * user takes a choice back with its checkbox.
 */
export function chosenView({ problems, words, steps }: Plan, { choices }: Selection, to: Named) {
  const asked = problems.flatMap(({ solutions }) =>
    solutions.flatMap((one) => (one.kind === 'create-name' ? [`${one.entity}:${one.name}`] : [])),
  );
  const created = choices.create.filter((name) => !asked.includes(name));
  const going = new Set(steps.map(keyText));
  const again = choices.again.filter((key) => going.has(key));
  const tick = (id: string, name: string, value: string, text: string, isShown = true) =>
    isShown ? [{ id, name, value, text }] : [];
  return [
    ...created.flatMap((name, index) => {
      const text = `Create ${name.slice(name.indexOf(':') + 1)} there with this transfer`;
      return tick(`created-${index}`, 'create', name, text);
    }),
    ...tick(
      'replaces',
      'overwrite',
      OVERWRITE,
      `Replace what was changed in ${to.inText} since`,
      words.overwrite.isAsked && words.overwrite.isTyped,
    ),
    ...tick(
      'removes',
      'remove',
      DELETE,
      `Delete in ${to.inText} what was deleted here`,
      words.remove.isAsked && words.remove.isTyped,
    ),
    ...tick(
      'once-more',
      'again',
      again.join(' '),
      `Send undone rows again: ${rowsText(again.length)}`,
      again.length > 0,
    ),
  ];
}

/** The most skipped rows that the page lists. */
const LISTED = 100;

export function skippedView({ skipped }: Plan) {
  const { shown, more } = shorten(skipped, LISTED);
  return {
    number: skipped.length,
    heading:
      skipped.length === 1 ? '1 row is skipped' : `${count(skipped.length)} rows are skipped`,
    rows: shown.map(({ row, title, why }) => ({ type: typeOf(row), title, why })),
    more,
  };
}

/** Returns the first warnings, and how many more there are. */
export const warningsView = ({ warnings }: Plan) => shorten(warnings, WARNED);

const WARNED = 5;

const typeOf = ({ entity }: { entity: string }) => entityNamed(entity).label.one;

/**
 * Returns the text that offers to add a row which differs between the two environments. For a restore or a takeover,
 * the text says that the row in this environment would be replaced.
 */
const offerText = ({ kind }: Selection, row: string, status: string | null) =>
  writesThere({ kind })
    ? `Also send ${row}: it is there, but differs (${status})`
    : `Also ${lowerFirst(sheetKinds[kind].verb)} ${row}, which replaces what stands here (${status})`;

/** The referenced and dependent rows that are or could be included in the transfer; null when there are none. */
export function relatedView(plan: Plan, selection: Selection, referrers: ReferrerOffer[]) {
  const { include } = selection.choices;
  if (plan.offers.length === 0 && referrers.length === 0 && include.length === 0) return null;
  const byKey = new Map(plan.steps.map((step) => [keyText(step), step]));
  return {
    needed: plan.steps.filter(isNeeded(selection)).map((step) => ({
      id: `needed-${step.entity}-${step.id}`,
      text: `${typeOf(step)} “${step.title}” is included: ${step.because}, and it does not exist there yet`,
    })),
    parents: [
      ...include.map((value) => ({
        id: `in-${value}`,
        value,
        text: `${describe(byKey.get(value)) ?? value} is included`,
        isIncluded: true,
      })),
      ...plan.offers.map(({ key, title, status, why }) => ({
        id: `in-${keyText(key)}`,
        value: keyText(key),
        text: `${offerText(selection, `${lowerFirst(typeOf(key))} “${title}”`, status)}. ${why}.`,
        isIncluded: false,
      })),
    ],
    referrers: referrers.map(({ target, isUnder, label, rows }, index) => ({
      id: `all-${index}`,
      heading: `${isUnder ? 'Also under' : 'Also with'} “${target}”: ${plural(rows.length, label)} new or changed`,
      keys: rows.map(({ key }) => keyText(key)).join(' '),
      rows: rows.map(({ key, title, status }) => ({ value: keyText(key), title, status })),
    })),
  };
}

const describe = (step: PlannedStep | undefined) =>
  step ? `${typeOf(step)} “${step.title}”` : null;

/**
 * Whether a row is sent although the user did not choose it, because the destination lacks it and another row needs it.
 */
const isNeeded = ({ keys, choices }: Selection) => {
  const chosen = new Set([...keys.map(keyText), ...choices.include]);
  return (step: PlannedStep) =>
    step.action === 'create' &&
    step.pair !== null &&
    keyText(step) === keyText(step.root) &&
    !chosen.has(keyText(step));
};

/**
 * A sheet with at most this many rows shows all their fields. With more rows, each row is one line, and a click shows
 * its fields.
 */
const OPENED = 3;

export function pagingView({ shown, page, pages, from, all }: Page<PlannedStep>) {
  return {
    page,
    pages,
    opensRows: all <= OPENED,
    shownKeys: shown.map(keyText).join(' '),
    text: `${count(from + 1)}–${count(from + shown.length)} of ${count(all)} changed rows; all of them are sent.`,
  };
}

/** Returns the rows that are already equal at the destination. The page lists them in their own section. */
export function sameView({ steps }: Plan, { kind, choices }: Selection, to: Named) {
  const same = steps.filter(({ action }) => action === 'same');
  return {
    isShown: same.length > 0 && !isUndo({ kind }),
    isResent: choices.resend,
    isOpen: same.length === steps.length,
    heading: `${rowsText(same.length)} unchanged in ${to.inText} and skipped`,
    steps: same.slice(0, PAGE_SIZE),
  };
}

/** The state of the approval of a plan by another product manager, if the plan requires one. */
export type ApprovalView = {
  mayAsk: boolean;
  /** The request for approval of this selection that nobody has approved or refused yet; null if there is none. */
  waiting: (Approval & { isForThisPlan: boolean }) | null;
};

/** Returns the values of the inputs *Name* and *Reason* and of the transfer button, or why there is no button. */
export function confirmationView(
  plan: Plan,
  selection: Selection,
  to: Named,
  {
    asksReason,
    untested,
    approval,
  }: { asksReason: boolean; untested: number; approval: ApprovalView | null },
) {
  const { verb, preposition } = sheetKinds[selection.kind];
  const written = plan.steps.filter(({ action }) => action !== 'same').length;
  const obstacle = obstacleOf(plan, selection, to, written) ?? approvalObstacle(approval);
  return {
    name: selection.name,
    reason: selection.reason ?? '',
    asksReason,
    sums: sumsOf(plan, untested),
    removes: plan.steps.some(({ action }) => action === 'remove'),
    obstacle,
    needsReason: asksReason && obstacle === null,
    asksApproval: approval !== null,
    isKept: selection.kept_at !== null,
    offersKeeping: selection.kind === 'transfer' && selection.kept_at === null,
    button: `${verb} ${rowsText(written)} ${preposition} ${to.inText}`,
  };
}

function approvalObstacle(approval: ApprovalView | null): string | null {
  if (approval?.waiting?.isForThisPlan) return 'This waits for approval.';
  return approval?.mayAsk === false ? 'Only a product manager may ask for approval of this.' : null;
}

function obstacleOf(
  plan: Plan,
  { kind, keys }: Selection,
  to: Named,
  written: number,
): string | null {
  if (keys.length === 0) return 'Add rows to this selection first.';
  if (plan.problems.length > 0) return 'Resolve the problems above to continue.';
  if (written > 0) return null;
  if (isUndo({ kind })) return `There is nothing left to undo in ${to.inText}.`;
  return plan.steps.some(({ excludedFields }) => excludedFields.length > 0)
    ? 'There is nothing to send: every field that differs is left out.'
    : `There is nothing to send: everything is the same in ${to.inText}.`;
}
