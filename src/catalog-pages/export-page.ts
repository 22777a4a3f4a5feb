// Exports the rows of a list with its filters, in its order, as CSV or JSON.
import { parse } from 'node:querystring';
import type { Request, Response } from 'express';
import {
  fieldEntries,
  keyText,
  labelOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { textOf, type Field } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { isSecret } from '../catalog/secret.ts';
import type { App } from '../environments/app.ts';
import { read } from '../rows/store.ts';
import { pendingRows } from '../state/pending.ts';
import type { RowState } from '../state/row-state.ts';
import { recordedStates, titlesOf } from '../state/untouched.ts';
import { exportFormatIn, plainColumn, sendExport, type ExportColumn } from '../web/export.ts';
import { formatValue, personName } from '../web/format.ts';
import { accountOf } from '../web/request.ts';
import { zoneOf } from '../web/viewer.ts';
import { chosenKeys, isEverything } from './bulk-chosen.ts';
import { allIds } from './list-query.ts';
import { exportHref, parseListState } from './list-state.ts';
import { tickedIn, withTicked } from './ticked.ts';
import { referredBy } from './titles.ts';

type ExportedRow = {
  row: Row;
  state: RowState | undefined;
  status: string;
  titles: Map<string, string>;
};

/** How many rows are read at once. */
const PART = 500;

export async function exportList(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const format = exportFormatIn(req.query);
  const state = parseListState(entity, req.query, zoneOf(req));
  const ids =
    req.query['ticked'] === undefined
      ? await allIds(req.here, entity, state, accountOf(req).email)
      : tickedIn(req.query);
  const name = `${entity.name}_${req.here.name}`;
  const columns = columnsOf(entity, isTravelling(req.here, entity));
  await sendExport(res, { name, format, columns }, exportedRows(req.here, entity, ids));
}

/** Redirects to the URL that exports the rows that are ticked on a list, or all rows that match its filters. */
export async function exportTicked(req: Request, res: Response) {
  const entity = entityNamed(String(req.params['entity']));
  const format = exportFormatIn({ format: req.form.text('format') });
  if (isEverything(req)) {
    const state = parseListState(entity, parse(req.form.text('query')), zoneOf(req));
    res.redirect(303, exportHref(entity, state, format));
  } else {
    const ids = (await chosenKeys(req, entity)).map(({ id }) => id);
    res.redirect(303, withTicked(`/catalog/${entity.name}/export?format=${format}`, ids));
  }
}

const isTravelling = ({ destination }: App, { isMatchedByName }: Entity) =>
  destination !== null && !isMatchedByName;

/** Reads rows in parts, in the order of their ids in the list; rows that are deleted meanwhile are left out. */
async function* exportedRows(
  here: App,
  entity: Entity,
  ids: number[],
): AsyncGenerator<ExportedRow[]> {
  const pending = isTravelling(here, entity) ? await pendingRows(here.sql, entity) : new Map();
  for (let from = 0; from < ids.length; from += PART) {
    const keys = ids.slice(from, from + PART).map((id): RowKey => ({ entity: entity.name, id }));
    const rows = await read(here, keys);
    const states = await recordedStates(here, rows);
    const titles = await titlesOf(
      here,
      [...rows.values()].flatMap((row) => referredBy(entity, row)),
    );
    yield keys.flatMap((key) => {
      const row = rows.get(keyText(key));
      const status = pending.get(key.id)?.status ?? 'In sync';
      return row ? [{ row, state: states.get(keyText(key)), status, titles }] : [];
    });
  }
}

/**
 * The columns of an export: the ID, every field except secrets, the version, the status and the last change of the row.
 */
const columnsOf = (entity: Entity, hasStatus: boolean): ExportColumn<ExportedRow>[] => [
  plainColumn('id', 'ID', ({ row }) => row.id),
  ...fieldEntries(entity)
    .filter(([, field]) => !isSecret(field))
    .flatMap(([name, field]) => fieldColumns(name, labelOf(entity, name), field)),
  plainColumn('version', 'Version', ({ state }) => state?.version ?? null),
  ...(hasStatus ? [plainColumn('status', 'Status', ({ status }: ExportedRow) => status)] : []),
  plainColumn('modified_at', 'Modified at', ({ row }) => row.modified_at),
  plainColumn('changed_by', 'Changed by', ({ state }) =>
    state ? personName(state.changed_by) : null,
  ),
];

/** A reference has two columns: the title of the other row, and its id. */
function fieldColumns(name: string, label: string, field: Field): ExportColumn<ExportedRow>[] {
  const { to } = field;
  if (!to) {
    const json = ({ row }: ExportedRow) => row[name] ?? null;
    return [{ name, label, json, cell: ({ row }) => cellOf(field, row[name]) }];
  }
  const titleOf = ({ row, titles }: ExportedRow) =>
    titles.get(keyText({ entity: to, id: Number(row[name]) })) ?? null;
  return [
    plainColumn(name, label, titleOf),
    plainColumn(`${name}_id`, `${label} ID`, ({ row }) => idOrNull(row[name])),
  ];
}

const idOrNull = (value: Row[string] | undefined) => (typeof value === 'number' ? value : null);

/** Numbers stay numbers, and a timestamp is written as it is stored, in UTC. */
function cellOf(field: Field, value: Row[string] | undefined) {
  if (value === undefined || value === null || typeof value === 'number') return value ?? null;
  return field.kind === 'instant' || field.kind === 'choice'
    ? textOf(value)
    : formatValue(field, value);
}
