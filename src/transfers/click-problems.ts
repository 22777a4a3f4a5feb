// Problems with a click on the transfer button, when the plan itself has no problem.
import type { Environment } from '../environments/environment.ts';
import { rulesOf } from '../environments/rules.ts';
import type { ClickProblem } from '../sheet/problem.ts';
import type { Route } from '../sheet/route.ts';
import { sentFrom } from '../sheet/kept-selections.ts';
import type { Selection } from '../sheet/selections.ts';
import { isUndo } from '../state/transfer-kinds.ts';

export const reasonMissing = ({ to }: Route): ClickProblem => ({
  reason: 'reason-missing',
  row: null,
  message: `Enter a reason. Everyone can read it in ${rulesOf(to.name).inText}.`,
  solutions: [{ kind: 'enter-reason' }],
});

/**
 * Returns the problem of a click on an outdated sheet: its rows were already sent (from another tab or by a colleague),
 * or the plan changed after the page was shown.
 */
export async function outdated({ sql: on }: Environment, { id }: Selection): Promise<ClickProblem> {
  const number = (await sentFrom(on, [id])).get(id)?.at(-1);
  return number === undefined
    ? {
        reason: 'sheet-outdated',
        row: null,
        message: 'Something changed since you opened this page. Review it again.',
        solutions: [{ kind: 'review' }],
      }
    : {
        reason: 'already-sent',
        row: null,
        message: `This was sent already as transfer ${number}. The page shows how it stands since.`,
        solutions: [{ kind: 'open-transfer', number }, { kind: 'review' }],
      };
}

export const approvalMissing = ({ to }: Route, { id }: Selection): ClickProblem => ({
  reason: 'approval-missing',
  row: null,
  message: `Another product manager must approve this before it is sent to ${rulesOf(to.name).inText}. Ask for approval on the sheet.`,
  solutions: [{ kind: 'ask-approval', selection: id }],
});

export function nothingToDo({ to: there }: Route, selection: Selection): ClickProblem {
  const { inText } = rulesOf(there.name);
  const message = isUndo(selection)
    ? `There is nothing left to undo in ${inText}.`
    : `Everything is the same in ${inText} already`;
  return { reason: 'nothing-to-do', row: null, message, solutions: [] };
}

export const keyReused: ClickProblem = {
  reason: 'key-reused',
  row: null,
  message: 'This page was sent before with other rows. Open the sheet again.',
  solutions: [{ kind: 'review' }],
};
