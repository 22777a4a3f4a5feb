// Reads what the page of a row shows around the row’s fields: statuses, marks, dependent rows, rows that refer to it,
// and history.
import type { Request } from 'express';
import { fieldEntries, keyText, titleOf, type Entity, type Row } from '../catalog/entity.ts';
import { dependentsOf, referencesTo } from '../catalog/family.ts';
import { misfitsOf } from '../catalog/misfits.ts';
import type { App } from '../environments/app.ts';
import { rulesOf, sourceText, takeOverText } from '../environments/rules.ts';
import { changesIn } from '../overviews/changes.ts';
import { previewedKey, previewOf } from '../preview/preview.ts';
import { storedIn } from '../preview/side.ts';
import { readBy } from '../rows/store.ts';
import { historyOf, type Arrival, type Replacement } from '../state/history.ts';
import type { RowState } from '../state/row-state.ts';
import { offeredSelections } from '../sheet/selection-list-page.ts';
import { isUndo } from '../state/transfer-kinds.ts';
import { recordedState, titlesOf } from '../state/untouched.ts';
import type { UndoneThere } from '../state/pending.ts';
import { overwrites, type Status } from '../state/status.ts';
import { testStatusOf } from '../state/test-results.ts';
import { lowerFirst, personName, plural, when } from '../web/format.ts';
import { can } from '../web/request.ts';
import { transferHref } from '../web/transfer-href.ts';
import { onRows } from '../writing/claims.ts';
import { differencesOf } from './differences.ts';
import { marksOf } from './marks.ts';
import { referredBy } from './titles.ts';
import {
  beyondLabel,
  changedAhead,
  statusesAhead,
  type DestinationStatuses,
} from './destination-statuses.ts';

export async function rowContext(req: Request, entity: Entity, row: Row) {
  const { here } = req;
  const key = { entity: entity.name, id: row.id };
  const state = await recordedState(here, key, row);
  const ahead = entity.isMatchedByName ? null : await statusesAhead(here, [key]);
  const children = await childrenOf(req, entity, row, ahead);
  const status = ahead?.next.get(keyText(key)) ?? null;
  const marks = marksOf({
    here,
    entity,
    status,
    state,
    misfits: misfitsOf(row),
    ahead,
    pair: ahead?.pairs.get(keyText(key)),
    claims: await onRows(here.sql, [key]),
    changedThere: status && ahead ? await changedAhead(here, ahead, key, status) : null,
  });
  const history = await historyOf(here, key, 4);
  return {
    entity,
    row,
    heading: titleOf(entity, row),
    state,
    status,
    marks,
    differences: await differencesOf(here, ahead?.pairs ?? new Map(), key),
    whereabouts: ahead ? whereabouts(req, keyText(key), row, state, ahead) : [],
    takeOver:
      status && here.destination && can(req, 'take-over') && overwrites(status)
        ? takeOverText(here.destination.rules)
        : null,
    offersHold:
      can(req, 'transfer') && state !== undefined && !state.held_at && !entity.isMatchedByName,
    openSelections: await offeredSelections(req),
    tested: await testedHere(req, entity, row),
    preview: await previewHere(req, entity, row),
    children,
    users: await usersOf(req, entity, row),
    history: history.slice(0, 3).map((arrival) => historySummary(here, arrival, entity)),
    titles: await titlesOf(here, [
      ...referredBy(entity, row),
      ...children.flatMap((child) =>
        child.rows.flatMap(({ own }) => referredBy(child.entity, own)),
      ),
    ]),
  };
}

/**
 * Says which version of the row each environment has: this environment, the destination, and the
 * environment after it.
 */
function whereabouts(
  { here }: Request,
  key: string,
  row: Row,
  state: RowState | undefined,
  ahead: DestinationStatuses,
) {
  const own = {
    label: here.rules.label,
    text: state ? `version ${state.version}, ${when(row.modified_at)}` : '',
    isHere: true,
  };
  if (!here.destination) return [own];
  const { label, inText } = here.destination.rules;
  const next = { label, text: ahead.next.get(key) ?? 'Not known', isHere: false };
  const last = beyondLabel(here);
  if (last === null) return [own, next];
  const text = `${ahead.beyond.get(key) ?? 'Not known'}, as ${inText} last saw it${undoneText(ahead.undoneBeyond.get(key))}`;
  return [own, next, { label: last, text, isHere: false }];
}

function undoneText(undone: UndoneThere | undefined): string {
  if (!undone) return '';
  const reason = undone.reason ? `: ${undone.reason}` : '';
  return `. Undone there by ${personName(undone.by)}, ${when(undone.at)}${reason}`;
}

/**
 * Returns the dependent rows, grouped by entity in the order of the catalogue, each with its
 * status.
 */
async function childrenOf(
  { here }: Request,
  entity: Entity,
  { id }: Row,
  ahead: DestinationStatuses | null,
) {
  const children = [];
  for (const child of dependentsOf(entity)) {
    const rows = await readBy(here, child, child.owner ?? '', [id]);
    const ordered = rows.toSorted(
      (one, other) => Number(one['order'] ?? 0) - Number(other['order'] ?? 0),
    );
    const statusOf = (one: Row): Status | null =>
      ahead?.pairs.get(keyText({ entity: child.name, id: one.id }))?.status ?? null;
    children.push({
      entity: child,
      rows: ordered.map((own) => ({
        own,
        title: titleOf(child, own),
        misfits: misfitsOf(own).map(({ message }) => message),
        status: statusOf(own),
      })),
      columns: childColumns(child),
    });
  }
  return children;
}

const childColumns = (child: Entity) =>
  fieldEntries(child).filter(
    ([name, field]) => (field.list || field.local) && name !== child.owner && name !== child.title,
  );

/** Returns the other rows that refer to this row, grouped by entity. */
async function usersOf({ here }: Request, entity: Entity, { id }: Row) {
  const users = [];
  for (const { from, field } of referencesTo(entity)) {
    if (!entity.dependents.includes(from.name)) {
      const rows = await readBy(here, from, field, [id]);
      const links = rows.map((row) => ({
        id: row.id,
        title: titleOf(from, row),
        href: `/catalog/${from.name}/${row.id}`,
      }));
      if (rows.length > 0) users.push({ heading: plural(rows.length, from.label), rows: links });
    }
  }
  return users;
}

/**
 * Returns the test results of a row in environments where rows are tested; null for a dependent
 * row, because only its parent row has test results.
 */
async function testedHere({ here }: Request, entity: Entity, row: Row) {
  if (!here.rules.isTested || entity.isMatchedByName || entity.owner) return null;
  const key = { entity: entity.name, id: row.id };
  return (await testStatusOf(here, [key])).get(keyText(key)) ?? null;
}

/** Returns the preview of the stored row; a dependent row is shown as a part of its parent row. */
async function previewHere({ here }: Request, entity: Entity, row: Row) {
  const key = previewedKey(entity, row);
  const shown =
    key &&
    (await previewOf(
      storedIn(here, { key: { entity: entity.name, id: row.id }, row }),
      key,
      here.storage,
    ));
  if (!shown) return null;
  const heading = entity.owner === null ? 'Preview' : `Preview of ${lowerFirst(shown.title)}`;
  return { heading, shown };
}

/** Builds a line of a row’s history: who changed what, in the row itself or in a dependent row. */
export function historyLine(here: App, arrival: Replacement, entity: Entity) {
  const of = arrival.entity === entity.name ? '' : ` “${arrival.title}”`;
  return {
    ...arrival,
    text: `${verbOf(arrival)}${of}`,
    transferHref: transferHref(here, arrival),
    changes: changesIn(arrival, { withLocals: true }),
  };
}

function historySummary(here: App, arrival: Replacement, entity: Entity) {
  const of = arrival.entity === entity.name ? '' : ` “${arrival.title}”`;
  const labels = changesIn(arrival, { withLocals: true }).map(({ label }) => label);
  const fields = arrival.action === 'update' ? ` ${labels.join(', ')}` : '';
  const text = `${verbOf(arrival)}${of}${fields}`;
  return {
    person: arrival.person,
    at: arrival.at,
    text,
    transferHref: transferHref(here, arrival),
  };
}

function verbOf({ action, kind, origin }: Arrival): string {
  const verb = { create: 'added', update: 'changed', remove: 'deleted', same: 'resent' }[action];
  if (kind === 'save') return verb;
  if (kind === 'refresh') return `${verb} by the refresh`;
  if (isUndo({ kind })) return `${verb} by an undo`;
  if (kind === 'restore') return `${verb} by a restore from production`;
  if (kind === 'takeover') return `${verb}, taken over from ${sourceText(origin as 'staging')}`;
  return `${verb} by transfer from ${rulesOf(origin as 'staging').inText}`;
}
