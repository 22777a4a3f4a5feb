// The page *Arrived*: transfers that arrived from the previous environment, whose rows can be sent to the next one. The
// page runs a fixed number of SQL statements, however many transfers it lists.
import type { Request, Response } from 'express';
import { keyText } from '../catalog/entity.ts';
import { catalog, entityNamed } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { hasPreview } from '../preview/preview.ts';
import { NotFound } from '../problems.ts';
import { count, lowerFirst, rowsText, undoneText } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import * as arrived from '../state/arrived.ts';
import type { ArrivedRow, ArrivedTransfer } from '../state/arrived.ts';
import { transferHref } from '../web/transfer-href.ts';
import { parseKeys } from '../sheet/posted-keys.ts';
import { offeredSelections } from '../sheet/selection-list-page.ts';
import * as selections from '../sheet/selections.ts';
import { pendingOf, type PendingEntry } from '../state/pending-entries.ts';
import { keyOfLine } from '../state/row-state.ts';
import { testStatusOf, type TestStatus } from '../state/test-results.ts';

export async function arrivals(req: Request, res: Response) {
  const before = textIn(req.query, 'before') || null;
  const transfers = await arrived.arrivedTransfers(req.here.sql, before);
  const ids = transfers.map(({ transfer }) => transfer);
  const rows = await arrived.listedRows(req.here.sql, ids);
  const onward = await arrived.onwardTransfers(req.here.sql, ids);
  const undos = await arrived.undosOf(req.here.sql, ids);
  const known = {
    tested: await testedOf(req.here, rows),
    pending: await pendingAmong(req.here, rows),
  };
  const last = transfers.length === arrived.TRANSFERS ? transfers.at(-1) : undefined;
  await page(req, res, 'transfers/arrivals', {
    title: 'Arrived',
    crumbs: [{ text: 'Arrived' }],
    list: transfers.map((line) =>
      arrivedView(req.here, line, {
        ...known,
        rows: rows.filter(({ transfer }) => transfer === line.transfer),
        sentOn: onward.filter(({ chain }) => chain.includes(`"${line.transfer}"`)),
        undos: undos.filter(({ undone }) => undone === line.transfer),
      }),
    ),
    openSelections: await offeredSelections(req),
    olderHref: last ? `/arrivals?before=${encodeURIComponent(last.at)}` : null,
  });
}

type Known = {
  rows: ArrivedRow[];
  sentOn: arrived.OnwardTransfer[];
  undos: arrived.UndoOfArrived[];
  tested: Map<string, TestStatus>;
  /** The topmost parent rows with pending changes; null where nothing is sent on. */
  pending: Map<string, PendingEntry> | null;
};

/** Returns an arrived transfer as the page shows it: each row has its test result and whether it can be sent on. */
function arrivedView(here: App, line: ArrivedTransfer, known: Known) {
  const { sentOn, undos } = known;
  const isSentOn = sentOn.length > 0;
  const undone = undos.reduce((sum, { rows_count: rows }) => sum + rows, 0);
  const isUndone = undone > 0 && undone === line.written_count;
  const rows = known.rows.map((row) => rowView(here, row, { ...known, isSentOn }));
  const more = isUndone ? 0 : line.rows_count - rows.length;
  // A row with a note is sent on from another card, or not at all.
  const isOffered = more > 0 || rows.some((row) => row.isOffered && row.note === null);
  return {
    ...line,
    from: rulesOf(line.origin as 'staging'),
    rowsSummary: summaryOf(line.rows_count, line.changed_since - undone),
    transferHref: transferHref(here, line),
    more,
    sentOn: sentOn.map((sent) => ({
      ...sent,
      undoneText: lowerFirst(undoneText(sent.undone_count, sent.rows_count) ?? ''),
    })),
    isSentOn,
    undos: undos.map((undo) => ({
      ...undo,
      text: undoneText(undo.rows_count, line.written_count),
      href: transferHref(here, undo),
    })),
    isTested: rows.some(({ isTestable }) => isTestable),
    isOffered,
    rows: rows.map((row) => ({ ...row, isOffered: isOffered && row.isOffered })),
  };
}

function rowView(
  here: App,
  row: ArrivedRow,
  { tested, pending, isSentOn }: Known & { isSentOn: boolean },
) {
  const entry = pending?.get(keyText({ entity: row.root_entity, id: row.root_id }));
  const isPending = pending === null || entry !== undefined;
  const isUndone = row.is_undone === 1;
  const isNewest = !isUndone && row.is_repeated === 0;
  const found = tested.get(keyText(keyOfLine(row))) ?? null;
  const isTestable = found !== null && isNewest && isPending && entry?.group !== 'held';
  const note = noteOf(here, row, { isPending, isHeld: entry?.group === 'held' });
  return {
    ...row,
    id: `${row.transfer}-${row.seq}`,
    isOffered: isChosen(row) && isPending,
    isTicked: !isSentOn && note === null,
    note,
    verb: verbs[row.action],
    previewHref: previewHrefOf(row),
    isTestable,
    // A result is still shown for a row that need not be tested any more.
    tested: found && isNewest && (isTestable || found.current.length > 0) ? found : null,
    testText: found && testTexts[testTextOf(found)],
  };
}

/** Says why a row needs no test and is not ticked to be sent on; null if it waits to be sent on. */
function noteOf(
  { destination }: App,
  row: ArrivedRow,
  { isPending, isHeld }: { isPending: boolean; isHeld: boolean },
): string | null {
  if (row.is_undone === 1) return 'Undone';
  if (row.is_repeated === 1) return 'Arrived again since';
  if (isHeld) return 'Not for production';
  if (isPending || !destination || row.is_root === 0) return null;
  const { inText } = destination.rules;
  return row.action === 'remove' ? `Not in ${inText} either` : `Same in ${inText}`;
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
const summaryOf = (rows: number, changed: number) =>
  changed > 0 ? `${rowsText(rows)}, ${count(changed)} changed since` : rowsText(rows);

const verbs = { create: 'created', update: 'updated', remove: 'removed', same: 'resent' };

/** Reads test results by key text; empty if rows are not tested in this environment. */
async function testedOf(here: App, rows: ArrivedRow[]) {
  if (!here.rules.isTested) return new Map<string, TestStatus>();
  const roots = rows.filter(
    ({ entity, action }) => !entityNamed(entity).owner && action !== 'remove',
  );
  return testStatusOf(here, roots.map(keyOfLine));
}

/** Finds the topmost parent rows of these rows that differ from the next environment, as last observed. */
const pendingAmong = async ({ destination, sql: on }: App, rows: ArrivedRow[]) =>
  destination
    ? pendingOf(
        on,
        rows.map(({ root_entity: entity, root_id: id }) => ({ entity, id })),
      )
    : null;

/**
 * Whether the page offers a row of an arrived transfer to be sent on. An undone row is not offered. A dependent row is not offered if its parent row
 * arrived in the same transfer, because it is sent with its parent row.
 */
const isChosen = ({ entity, is_root: isRoot, is_undone: isUndone }: ArrivedRow) =>
  isRoot === 1 && isUndone === 0 && !entityNamed(entity).isMatchedByName;

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
