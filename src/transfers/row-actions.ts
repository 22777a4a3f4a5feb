// Handlers of the buttons on the page of a row: adopt a change, set or remove a hold, record a test result.
import type { Request, Response } from 'express';
import { Conflict, Invalid } from '../problems.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { rowsText } from '../web/format.ts';
import { flash } from '../web/pages.ts';
import { accountOf, addressed, localPath } from '../web/request.ts';
import * as adoption from './adoption.ts';
import * as holds from './hold.ts';
import * as testResults from '../state/test-results.ts';

export async function adopt(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const seen = req.form.text('seen');
  await adoption.adopt(req.here, accountOf(req).email, { entity: entity.name, id }, seen);
  flash(req, 'Adopted: this content can be transferred.');
  back(req, res);
}

export async function hold(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const reason = req.form.textUpTo(300, 'reason', 'Reason') || null;
  await holds.hold(req.here, accountOf(req).email, { entity: entity.name, id }, reason);
  flash(req, 'Marked *Not for production* and left out of the pending counts.');
  back(req, res);
}

export async function removeHold(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const seen = req.form.text('seen');
  await holds.removeHold(req.here, accountOf(req).email, { entity: entity.name, id }, seen);
  flash(req, 'The hold is removed.');
  back(req, res);
}

/** Records what a person says of one row: *Works* or *Does not work*. */
export async function recordTestResult(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const { changed } = await recordResults(req, [
    { key: { entity: entity.name, id }, seen: req.form.text('seen') },
  ]);
  if (changed.length > 0) {
    throw new Conflict(
      'This row has changed, or is not here any more. Open it and review it again.',
    );
  }
  flash(req, resultOf(req) ? 'Marked Works.' : 'Marked Does not work.');
  back(req, res);
}

/** Records what a person says of the ticked rows of an arrived transfer, with one note for all of them. */
export async function recordTestResults(req: Request, res: Response) {
  const ticked = new Set(req.form.texts('rows'));
  const seen = req.form.texts('seen').map((text) => text.split(' '));
  const rows = seen.flatMap(([text = '', hash = '']) =>
    ticked.has(text) ? parseKeys([text]).map((key) => ({ key, seen: hash })) : [],
  );
  if (rows.length === 0) throw new Invalid({ rows: 'Tick the rows that you tested' });
  const { recorded, changed } = await recordResults(req, rows);
  const marked = `${rowsText(recorded.length)} marked ${resultOf(req) ? 'Works' : 'Does not work'}.`;
  flash(req, changed.length === 0 ? marked : `${marked} ${changedText(changed.length)}`);
  res.redirect(303, `/arrivals#arrived-${String(req.params['transfer'])}`);
}

const changedText = (number: number) =>
  `${rowsText(number)} changed since the page was shown: review ${number === 1 ? 'it' : 'them'} again.`;

const recordResults = (req: Request, rows: testResults.TestedRow[]) =>
  testResults.recordTestResults(req.here, accountOf(req).email, rows, {
    works: resultOf(req),
    note: req.form.textUpTo(500, 'note', 'Note') || null,
  });

/** Whether the tested rows work, according to the pressed button. */
function resultOf(req: Request): boolean {
  const result = req.form.text('result');
  if (result !== 'works' && result !== 'does-not-work') {
    throw new Invalid({ result: 'Choose Works or Does not work' });
  }
  return result === 'works';
}

function back(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  res.redirect(303, localPath(req.form.text('return'), `/catalog/${entity.name}/${id}`));
}
