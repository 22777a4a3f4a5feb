// The buttons *Works* and *Does not work* below an arrived transfer: for its ticked rows, and after a confirmation for
// the rows that the page does not list.
import type { Request, Response } from 'express';
import type { RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { Invalid, NotFound } from '../problems.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import * as arrived from '../state/arrived.ts';
import type { ArrivedRow } from '../state/arrived.ts';
import { keyOfLine } from '../state/row-state.ts';
import * as testResults from '../state/test-results.ts';
import { rowsText } from '../web/format.ts';
import { flash, page } from '../web/pages.ts';
import { shorten } from '../web/shorten.ts';
import { accountOf } from '../web/request.ts';

/** Records a person’s test result for rows of an arrived transfer, with one note for all of these rows. */
export async function recordTestResults(req: Request, res: Response) {
  const rows = tickedRows(req);
  const result = testResultIn(req);
  const isRest = req.form.text('rest') === 'yes';
  if (isRest && req.form.text('confirmed') !== 'yes') return confirmRest(req, res, rows);
  if (rows.length === 0 && !isRest) throw new Invalid({ rows: 'Tick the rows that you tested' });
  const { here } = req;
  const { email } = accountOf(req);
  const { recorded, changed } = await testResults.recordTestResults(here, email, rows, result);
  const { unchanged, changed: leftOut } = isRest
    ? await restOf(req)
    : { unchanged: [], changed: [] };
  const rest = await testResults.recordForPresent(here, email, unchanged, result);
  const notices = [
    `${rowsText(recorded.length + rest)} marked ${textOf(result)}.`,
    ...(changed.length > 0 ? [changedText(changed.length)] : []),
    ...(leftOut.length > 0 ? [leftOutText(leftOut)] : []),
  ];
  flash(req, notices.join(' '));
  res.redirect(303, `/arrivals#arrived-${String(req.params['transfer'])}`);
}

/**
 * Asks for confirmation and shows how many rows would be marked as tested, because the page *Arrived* does not list
 * most of them.
 */
async function confirmRest(req: Request, res: Response, ticked: testResults.TestedRow[]) {
  const transfer = String(req.params['transfer']);
  const head = await arrived.arrivedHead(req.here.sql, transfer);
  if (!head) throw new NotFound('There is no such transfer here.');
  const { unchanged, changed } = await restOf(req);
  const result = testResultIn(req);
  const number = ticked.length + unchanged.length;
  const title = `${textOf(result)}: ${rowsText(number)}`;
  await page(req, res, 'transfers/tested-rest', {
    title,
    crumbs: [{ text: 'Arrived', href: '/arrivals' }, { text: textOf(result) }],
    heading: title,
    transfer,
    name: head.name,
    ticked: req.form.texts('rows'),
    seen: req.form.texts('seen'),
    number,
    unchanged: unchanged.length,
    changed: shorten(changed, LEFT_OUT),
    note: result.note ?? '',
    result: req.form.text('result'),
    buttonText: `Mark ${rowsText(number)} ${textOf(result)}`,
  });
}

/** How many changed rows are named: on the page that asks for confirmation, and in the notice after it. */
const LEFT_OUT = 50;
const NAMED = 3;

/**
 * Finds the rows to test that the page *Arrived* does not list: those that are unchanged since they arrived, and those
 * that have changed.
 */
async function restOf(req: Request): Promise<{ unchanged: RowKey[]; changed: ArrivedRow[] }> {
  const transfer = String(req.params['transfer']);
  const rows = (await arrived.unlistedRows(req.here.sql, transfer)).filter(isTested);
  const unchanged = rows.filter(({ is_changed: isChanged }) => isChanged === 0).map(keyOfLine);
  return { unchanged, changed: rows.filter(({ is_changed: isChanged }) => isChanged === 1) };
}

/** A dependent row is tested with its parent row. */
const isTested = ({ entity, action }: ArrivedRow) =>
  !entityNamed(entity).owner && action !== 'remove';

function tickedRows({ form }: Request): testResults.TestedRow[] {
  const ticked = new Set(form.texts('rows'));
  const seen = form.texts('seen').map((text) => text.split(' '));
  return seen.flatMap(([text = '', hash = '']) =>
    ticked.has(text) ? parseKeys([text]).map((key) => ({ key, seen: hash })) : [],
  );
}

const changedText = (number: number) =>
  `${rowsText(number)} changed since the page was shown: review ${number === 1 ? 'it' : 'them'} again.`;

/** Names rows that are not marked because they changed: `“Quiz”, “Poll” and 12 more`. */
function leftOutText(rows: ArrivedRow[]): string {
  const { shown, more } = shorten(rows, NAMED);
  const titles = shown.map(({ title }) => `“${title.slice(0, 80)}”`);
  const others = more > 0 ? ` and ${more} more` : '';
  return `Not marked, because changed since the arrival: ${titles.join(', ')}${others}.`;
}

export const textOf = ({ works }: testResults.NewTestResult) => (works ? 'Works' : 'Does not work');

/** Reads from the posted form the test result of the pressed button, and the note. */
export function testResultIn(req: Request): testResults.NewTestResult {
  const result = req.form.text('result');
  if (result !== 'works' && result !== 'does-not-work') {
    throw new Invalid({ result: 'Choose Works or Does not work' });
  }
  const note = req.form.textUpTo(500, 'note', 'Note') || null;
  return { works: result === 'works', note };
}
