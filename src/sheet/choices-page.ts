// Saves the choices that a person posted from a transfer sheet (the page that shows what a transfer would do), merged
// with the choices that other people saved meanwhile.
import type { Request, Response } from 'express';
import { v7 as uuid } from 'uuid';
import { transaction } from '../database/sql.ts';
import { formatChoice, lowerFirst } from '../web/format.ts';
import { flash } from '../web/pages.ts';
import { noChoices } from './choices.ts';
import { mergeChoices, parseShown, shownOn, type Overtaken } from './merge-choices.ts';
import { sheetPage } from './page.ts';
import { sealedChoices } from './sealed-choices.ts';
import * as selections from './selections.ts';
import type { SavedChoices, Selection, SelectionKind } from './selections.ts';

type Posted = {
  /** The stored selection (the rows to transfer), before the posted choices are saved. */
  selection: Selection;
  now: SavedChoices;
  /** Whether another user saved choices on this sheet after the page was shown. */
  isChangedMeanwhile: boolean;
  /**
   * Choices that both this user and another user changed. The value of the other user stays stored
   * until this user confirms the new value.
   */
  overtaken: Overtaken[];
};

/**
 * Saves the posted choices of a selection. A page also posts the choices that it showed, so that only the changes of
 * this user are saved and the choices of other users stay. `unless` says what counts as shown if a page did not post
 * that:
 * - `untouched`: an empty sheet, so that the stored choices of other users stay.
 * - `stored`: the stored choices, so that the posted choices replace them. Only the transfer button may use this,
 *   because it also posts the hash of the plan that the user saw, and no other plan is sent.
 */
export function savePosted(
  req: Request,
  kind: SelectionKind,
  id: string,
  { unless }: { unless: 'untouched' | 'stored' } = { unless: 'untouched' },
) {
  const { here, form } = req;
  return transaction(here.sql, async (connection): Promise<Posted> => {
    const selection = await selections.find(connection, id, kind, { lock: true });
    const posted = await sealedChoices(req, kind, selection);
    const rows = form.texts('shown').flatMap((list) => list.split(' '));
    const stored = shownOn(selection, rows);
    const shown =
      parseShown(form.raw('was') ?? '') ?? (unless === 'stored' ? stored : shownOn(untouched, []));
    const { now, overtaken } = mergeChoices(selection, shown, posted);
    const saved =
      overtaken.length === 0 ? now : mergeChoices(selection, shown, posted, 'theirs').now;
    await selections.saveChoices(connection, id, saved);
    const isChangedMeanwhile = JSON.stringify(shown) !== JSON.stringify(stored);
    return { selection, now, isChangedMeanwhile, overtaken };
  });
}

/** Shows the sheet again with the typed values, and says which values another user saved meanwhile. */
export async function showOvertaken(
  req: Request,
  res: Response,
  kind: SelectionKind,
  { now, overtaken }: Posted,
) {
  const parts = overtaken.map(
    ({ label, theirs, yours }) =>
      `${lowerFirst(formatChoice(label))} is ${quoted(theirs)} there and ${quoted(yours)} here`,
  );
  const problem = `Another user changed this selection after this page was shown: ${parts.join('; ')}. Your values are below and everything else is saved. Confirm again to use yours.`;
  res.status(409);
  await sheetPage(req, res, { kind, key: uuid(), problem, reasons: ['changed-meanwhile'], now });
}

const untouched = { name: '', reason: null, choices: noChoices, keys: [] };

const quoted = (text: string) => (text === '' ? 'empty' : `“${text}”`);

export const changedMeanwhile =
  'Another user changed this selection after this page was shown. Their choices and yours are in it now: review it.';

/** Tells the user that the sheet now also contains choices of other people. */
export function noteOthers(req: Request, { isChangedMeanwhile }: Posted) {
  if (isChangedMeanwhile) flash(req, changedMeanwhile);
}
