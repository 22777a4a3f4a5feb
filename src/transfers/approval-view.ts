// Prepares requests for approval for the pages that show them. Pure functions.
import type { Approval } from '../sheet/approval.ts';
import type { Plan } from '../sheet/plan.ts';
import type { sheetView } from '../sheet/page.ts';
import { rowsText } from '../web/format.ts';
import type { ListedApproval } from './approval-records.ts';

const states = {
  waiting: { text: 'Waits', tone: 'badge badge-new', icon: 'hourglass' },
  approved: { text: 'Approved', tone: 'badge badge-ok', icon: 'circle-check' },
  refused: { text: 'Refused', tone: 'badge badge-bad', icon: 'circle-x' },
  withdrawn: { text: 'Withdrawn', tone: 'badge', icon: 'undo-2' },
  overtaken: { text: 'Overtaken', tone: 'badge badge-changed', icon: 'triangle-alert' },
} as const;

export const lineOf = (approval: ListedApproval, email: string) => ({
  ...approval,
  rowsText: rowsText(approval.rows_count),
  look: states[approval.state],
  isOwn: approval.asked_by === email,
});

const decidedTexts = {
  waiting: '',
  approved: 'Approved by',
  refused: 'Refused by',
  withdrawn: 'Withdrawn or replaced by',
  overtaken: 'Nothing was sent when it was approved by',
};

/** Returns the words that stand before the person who decided a request, such as `Approved by`. */
export const decidedText = ({ state }: Approval) => decidedTexts[state];

/** Returns the state of a request for approval, as its page shows it. */
export const stateText = ({ state }: Approval, isOvertaken: boolean) =>
  isOvertaken ? states.overtaken : states[state];

/**
 * Returns what a person may do with a request. `plan`: the plan that would be sent; null if it has changed since
 * approval was asked for.
 */
export function barOf({ state, asked_by: asker }: Approval, email: string, plan: Plan | null) {
  if (state !== 'waiting') return null;
  const isOwn = asker === email;
  const problems = plan?.problems ?? [];
  const written = plan?.steps.filter(({ action }) => action !== 'same').length ?? 0;
  return {
    isOwn,
    mayApprove: !isOwn && plan !== null && problems.length === 0,
    problems: problems.slice(0, 20).map(({ message }) => message),
    removes: plan?.steps.some(({ action }) => action === 'remove') ?? false,
    rowsText: rowsText(written),
  };
}

/**
 * Returns the rows of a sheet without the inputs that change the sheet, and with links between the pages of the list.
 */
export function readOnly(view: ReturnType<typeof sheetView>, address: string) {
  const { rows } = view;
  return {
    ...view,
    sections: view.sections.map((section) => ({
      ...section,
      groups: section.groups.map(({ steps }) => ({
        steps: steps.map((step) => ({ ...step, mayExclude: false, leaves: [] })),
      })),
    })),
    pager: {
      ...rows,
      shown: rows.shown.length,
      address: (page: number) => `${address}?page=${page}`,
    },
  };
}
