// The page *Arrived*: transfers that arrived from the previous environment, whose rows can be sent to the next one. The
// page runs a fixed number of SQL statements, however many transfers it lists.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { hasPreview } from '../preview/preview.ts';
import { NotFound } from '../problems.ts';
import { count, rowsText } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import * as arrived from '../state/arrived.ts';
import type { ArrivedRow, ArrivedTransfer } from '../state/arrived.ts';
import { transferHref } from '../web/transfer-href.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { offeredSelections } from '../sheet/selection-list-page.ts';
import * as selections from '../sheet/selections.ts';
import { keyOfLine } from '../state/row-state.ts';
import { testStatusOf, type TestStatus } from '../state/test-results.ts';

export async function arrivals(req: Request, res: Response) {
  const before = textIn(req.query, 'before') || null;
  const transfers = await arrived.arrivedTransfers(req.here.sql, before);
  const ids = transfers.map(({ transfer }) => transfer);
  const rows = await arrived.listedRows(req.here.sql, ids);
  const onward = await arrived.onwardTransfers(req.here.sql, ids);
  const tested = await testedOf(req.here, rows);
  const last = transfers.length === arrived.TRANSFERS ? transfers.at(-1) : undefined;
  await page(req, res, 'transfers/arrivals', {
    title: 'Arrived',
    crumbs: [{ text: 'Arrived' }],
    list: transfers.map((line) =>
      arrivedView(
        req.here,
        line,
        rows.filter(({ transfer }) => transfer === line.transfer),
        onward.filter(({ chain }) => chain.includes(`"${line.transfer}"`)),
        tested,
      ),
    ),
    openSelections: await offeredSelections(req),
    olderHref: last ? `/arrivals?before=${encodeURIComponent(last.at)}` : null,
  });
}

/** Returns an arrived transfer as the page shows it: each row has its test result and whether it can be sent on. */
function arrivedView(
  here: App,
  line: ArrivedTransfer,
  rows: ArrivedRow[],
  sentOn: arrived.OnwardTransfer[],
  tested: Map<string, TestStatus>,
) {
  const isSentOn = sentOn.length > 0;
  return {
    ...line,
    from: rulesOf(line.origin as 'staging'),
    rowsSummary: summaryOf(line),
    transferHref: transferHref(here, line),
    more: line.rows_count - rows.length,
    sentOn: sentOn.map((sent) => ({ ...sent, undoneText: undoneText(sent) })),
    isSentOn,
    isTested: rows.some((row) => tested.has(keyText(keyOfLine(row)))),
    rows: rows.map((row) => {
      const found = tested.get(keyText(keyOfLine(row))) ?? null;
      return {
        ...row,
        id: `${line.transfer}-${row.seq}`,
        isOffered: isChosen(row),
        isTicked: !isSentOn,
        verb: verbs[row.action],
        previewHref: previewHrefOf(row),
        tested: found,
        testText: found && testTexts[testTextOf(found)],
      };
    }),
  };
}

const testTexts = {
  works: { text: 'Works', tone: 'badge badge-ok', icon: 'circle-check' },
  fails: { text: 'Does not work', tone: 'badge badge-bad', icon: 'circle-x' },
  none: { text: 'Not tested', tone: 'badge', icon: 'circle-dashed' },
} as const;

/**
 * Sums up the test results of a row: `fails` if at least one person says that the row does not work, otherwise `works`.
 */
function testTextOf({ current }: TestStatus): keyof typeof testTexts {
  if (current.length === 0) return 'none';
  return current.every(({ works }) => works === 1) ? 'works' : 'fails';
}

/**
 * Returns the address of a row’s preview; empty if the row has no preview, or if the preview of its parent row shows
 * it.
 */
const previewHrefOf = ({ entity, row_id: id, action, is_root: isRoot }: ArrivedRow) =>
  isRoot === 1 && action !== 'remove' && hasPreview(entityNamed(entity))
    ? `/catalog/${entity}/${id}/preview`
    : '';

/** Summarises an arrived transfer: `3 rows, 1 changed since` */
const summaryOf = ({ rows_count: rows, changed_since: changed }: ArrivedTransfer) =>
  changed > 0 ? `${rowsText(rows)}, ${count(changed)} changed since` : rowsText(rows);

/** Says how much of a transfer was undone: `undone`, or `1 of 10 undone` */
const undoneText = ({ rows_count: rows, undone_count: undone }: arrived.OnwardTransfer) =>
  undone < rows ? `${count(undone)} of ${count(rows)} undone` : 'undone';

const verbs = { create: 'created', update: 'updated', remove: 'removed', same: 'resent' };

/** Reads test results by key text; empty if rows are not tested in this environment. */
async function testedOf(here: App, rows: ArrivedRow[]) {
  if (!here.rules.isTested) return new Map<string, TestStatus>();
  const roots = rows.filter(
    ({ entity, action }) => !entityNamed(entity).owner && action !== 'remove',
  );
  return testStatusOf(here, roots.map(keyOfLine));
}

/**
 * Whether the page offers a row of an arrived transfer to be sent on. A dependent row is not offered if its parent row
 * arrived in the same transfer, because it is sent with its parent row.
 */
const isChosen = ({ entity, is_root: isRoot }: ArrivedRow) =>
  isRoot === 1 && !entityNamed(entity).isMatchedByName;

/**
 * Creates a selection of the rows of an arrived transfer that the person ticked, to send them to the next environment,
 * and opens its sheet.
 */
export async function chooseArrived(req: Request, res: Response) {
  const { head, keys, chain } = await chosenOf(req, String(req.params['transfer']));
  const name = isDefaultName(head) ? '' : head.name;
  const id = await selections.create(req.here.sql, accountOf(req).email, { keys, name, chain });
  res.redirect(303, `/selections/${id}`);
}

/**
 * Returns the ticked rows of an arrived transfer. If the person ticked the checkbox for all other rows, the rows that
 * the page does not list are included.
 */
export async function chosenOf({ here, form }: Request, transfer: string) {
  const head = await arrived.arrivedHead(here.sql, transfer);
  if (!head) throw new NotFound('There is no such transfer here.');
  const unlisted =
    form.text('rest') === 'yes' ? await arrived.unlistedRows(here.sql, transfer) : [];
  const keys = parseKeys([
    ...form.texts('rows'),
    ...unlisted.filter(isChosen).map((row) => keyText(keyOfLine(row))),
  ]);
  return { head, keys, chain: [...(JSON.parse(head.chain) as string[]), transfer] };
}

const kinds = catalog.flatMap(({ label }) => [label.one, label.many]).join('|');

const namesOfKinds = new RegExp(`^[\\d,]+ (${kinds})(, [\\d,]+ (${kinds}))*$`, 'i');

/** Whether Oneway made the name of a transfer from its rows. Such a name would be wrong for a part of the rows. */
const isDefaultName = ({ name, is_named_after_rows: isNamedAfterRows }: arrived.ArrivedHead) =>
  namesOfKinds.test(name) || isNamedAfterRows === 1;
