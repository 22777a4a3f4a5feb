// Handlers of the buttons on the page of a row: adopt a change, set or remove a hold, record a test result.
import type { Request, Response } from 'express';
import { Conflict } from '../problems.ts';
import { flash } from '../web/pages.ts';
import { accountOf, addressed, localPath } from '../web/request.ts';
import * as adoption from './adoption.ts';
import * as holds from './hold.ts';
import * as testResults from '../state/test-results.ts';
import { testResultIn, textOf } from './test-results-page.ts';

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
  flash(req, 'No longer marked *Not for production*.');
  back(req, res);
}

/** Records a person’s test result for one row: *Works* or *Does not work*. */
export async function recordTestResult(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const result = testResultIn(req);
  const rows = [{ key: { entity: entity.name, id }, seen: req.form.text('seen') }];
  const { email } = accountOf(req);
  const { changed } = await testResults.recordTestResults(req.here, email, rows, result);
  if (changed.length > 0) {
    throw new Conflict(
      'This row has changed, or is not here any more. Open it and review it again.',
    );
  }
  flash(req, `Marked ${textOf(result)}.`);
  back(req, res);
}

function back(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  res.redirect(303, localPath(req.form.text('return'), `/catalog/${entity.name}/${id}`));
}
