// The pages of one row: read-only, form, history, and related rows.
import type { Request, Response } from 'express';
import { may } from '../access/permissions.ts';
import {
  fieldEntries,
  initialContent,
  keyText,
  labelOf,
  linksOf,
  titleOf,
  type Content,
  type Entity,
  type Row,
  type Draft,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { rulesOf } from '../environments/rules.ts';
import { namesByEntity } from '../rows/names.ts';
import { readBy, readOne } from '../rows/store.ts';
import { NotFound, type FieldErrors } from '../problems.ts';
import { historyOf, parseImage, rowAtMoment, type Arrival } from '../state/history.ts';
import { onRows } from '../writing/claims.ts';
import { fieldsIn } from '../sheet/problems/review.ts';
import { changesIn } from '../overviews/changes.ts';
import { readStates } from '../state/row-state.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { testStatusOf } from '../state/test-results.ts';
import type { Status } from '../state/status.ts';
import { page } from '../web/pages.ts';
import { accountOf, addressed, numberOrNull, textIn } from '../web/request.ts';
import { formatValue, lowerFirst } from '../web/format.ts';
import { beyondLabel, statusesAhead } from './list.ts';
import { referredBy, titles } from './titles.ts';
import { dependentsOf, ownerOf, referencesTo } from '../catalog/family.ts';

/** Shows a row as a form to people who may edit it, otherwise read-only. */
export async function show(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const row = await readOne(req.here, { entity: entity.name, id });
  if (!row) {
    const state = (await readStates(req.here.sql, [{ entity: entity.name, id }])).get(
      `${entity.name}:${id}`,
    );
    if (state?.deleted_at) return res.redirect(303, `/catalog/${entity.name}/${id}/history`);
    throw absent(req, entity, id);
  }
  if (may(accountOf(req), 'edit', req.here.setup)) {
    await editPage(req, res, entity, row, { content: row, errors: {} });
  } else {
    const shown = await rowContext(req, entity, row);
    await page(req, res, 'catalog-pages/show', {
      ...shown,
      title: titleOf(entity, row),
      crumbs: rowCrumbs(entity, titleOf(entity, row), row, shown.titles),
    });
  }
}

const absent = ({ here }: Request, entity: Entity, id: number) =>
  new NotFound(`There is no ${lowerFirst(entity.label.one)} ${id} in ${here.rules.inText}.`);

/** Breadcrumbs from the list, or from the owner of a dependent. */
function rowCrumbs(entity: Entity, title: string, content: Content, named: Map<string, string>) {
  const owner = ownerOf(entity, content);
  const by =
    owner && owner.id > 0
      ? [
          { text: entityNamed(owner.entity).label.many, href: `/catalog/${owner.entity}` },
          {
            text: named.get(keyText(owner)) ?? String(owner.id),
            href: `/catalog/${owner.entity}/${owner.id}`,
          },
        ]
      : [{ text: entity.label.many, href: `/catalog/${entity.name}` }];
  return [...by, { text: title }];
}

/** Everything around the fields: statuses, dependents, references, history. */
async function rowContext(req: Request, entity: Entity, row: Row) {
  const { here } = req;
  const key = { entity: entity.name, id: row.id };
  const state = (await readStates(here.sql, [key])).get(keyText(key));
  const look = entity.isMatchedByName ? null : await statusesAhead(here, [key]);
  const children = [];
  for (const child of dependentsOf(entity)) {
    const rows = await readBy(here, child, child.owner ?? '', [row.id]);
    const ordered = rows.toSorted(
      (one, other) => Number(one['order'] ?? 0) - Number(other['order'] ?? 0),
    );
    children.push({ entity: child, rows: ordered, columns: childColumns(child) });
  }
  const users = [];
  for (const { from, field } of referencesTo(entity)) {
    if (!entity.dependents.includes(from.name)) {
      const rows = await readBy(here, from, field, [row.id]);
      if (rows.length > 0) users.push({ entity: from, field, rows });
    }
  }
  return {
    entity,
    row,
    state,
    writing: await onRows(here.sql, [key]),
    engineeringFields: state?.engineering_by ? fieldsIn(state) : '',
    look,
    undone: undoneOf(look?.pairs.get(keyText(key))),
    status: look?.next.get(keyText(key)) ?? null,
    beyond: look?.beyond.get(keyText(key)) ?? null,
    beyondLabel: beyondLabel(here),
    childStatus: (child: Entity, one: Row): Status | null =>
      look?.pairs.get(keyText({ entity: child.name, id: one.id }))?.status ?? null,
    tested: await testedHere(here, entity, row),
    children,
    users,
    lines: (await historyOf(here.sql, key, 4)).map(historyLine),
    titles: await titles(here.sql, [
      ...referredBy(entity, row),
      ...children.flatMap((child) => child.rows.flatMap((one) => referredBy(child.entity, one))),
    ]),
  };
}

/** Who undid this content at the destination. */
const undoneOf = (pair: RowPair | undefined) =>
  pair?.destinationState?.undone_hash && pair.destinationState.undone_hash === pair.hereHash
    ? pair.destinationState
    : null;

/** Test results of this row, where rows are tested; dependents are tested with their owner. */
async function testedHere(here: Request['here'], entity: Entity, row: Row) {
  if (!here.rules.isTested || entity.isMatchedByName || entity.owner) return null;
  const key = { entity: entity.name, id: row.id };
  return (await testStatusOf(here, [key])).get(keyText(key)) ?? null;
}

const childColumns = (child: Entity) =>
  fieldEntries(child).filter(
    ([name, field]) => (field.list || field.local) && name !== child.owner && name !== child.title,
  );

type HistoryLine = Arrival & { verb: string; changes: ReturnType<typeof changesIn> };

function historyLine(arrival: Arrival): HistoryLine {
  return { ...arrival, verb: verbOf(arrival), changes: changesIn(arrival, { withLocals: true }) };
}

function verbOf({ action, kind, origin }: Arrival): string {
  const verb = { create: 'added', update: 'changed', remove: 'deleted', same: 'sent again' }[
    action
  ];
  if (kind === 'save') return verb;
  if (kind === 'refresh') return `${verb} by the refresh`;
  if (kind === 'undo') return `${verb} by an undo`;
  if (kind === 'restore') return `${verb} as it was brought back from production`;
  return `${verb} by transfer from ${rulesOf(origin as 'staging').inText}`;
}

export async function history(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const key = { entity: entity.name, id };
  const state = (await readStates(req.here.sql, [key])).get(keyText(key));
  if (!state) throw absent(req, entity, id);
  await page(req, res, 'catalog-pages/history', {
    title: `History of ${state.title}`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: state.title, href: `/catalog/${entity.name}/${id}` },
      { text: 'History' },
    ],
    entity,
    state,
    lines: (await historyOf(req.here.sql, key, 200)).map(historyLine),
  });
}

/** A row with its dependents as they were after one arrival. */
export async function moment(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const key = { entity: entity.name, id };
  const lines = await rowAtMoment(req.here.sql, key, numberOrNull(req.params['arrival']) ?? 0);
  const [own] = lines;
  if (!own) throw new NotFound('There is no such line in this history.');
  await page(req, res, 'catalog-pages/moment', {
    title: `${own.title} as it was`,
    crumbs: [
      { text: entity.label.many, href: `/catalog/${entity.name}` },
      { text: own.title, href: `/catalog/${entity.name}/${id}` },
      { text: 'History', href: `/catalog/${entity.name}/${id}/history` },
      { text: 'As it was' },
    ],
    at: lines
      .map((line) => line.at)
      .toSorted()
      .at(-1),
    rows: lines.map((line) => {
      const of = entityNamed(line.entity);
      const row = parseImage(line.after_image);
      const fields = fieldEntries(of).map(([name, field]) => ({
        label: labelOf(of, name),
        value: formatValue(field, row?.[name]),
      }));
      return { line, entity: of, isGone: row === null, fields };
    }),
  });
}

/** `notice`: a problem that belongs to no field. */
export type Typed = { content: Content; errors: FieldErrors; version?: number; notice?: string };

export async function editPage(
  req: Request,
  res: Response,
  entity: Entity,
  row: Row,
  typed: Typed,
) {
  const hasErrors = Object.keys(typed.errors).length > 0 || typed.notice;
  const title = titleOf(entity, row);
  const shown = await rowContext(req, entity, row);
  await page(req, res, 'catalog-pages/edit', {
    ...shown,
    title: hasErrors ? `Error: ${title}` : title,
    crumbs: rowCrumbs(entity, title, row, shown.titles),
    ...(await formData(req, entity, typed)),
    notice: typed.notice ?? '',
    version: typed.version ?? shown.state?.version ?? 0,
  });
}

export async function newPage(
  req: Request,
  res: Response,
  entity: Entity,
  typed: Typed & { key: string },
) {
  const title = `Add ${lowerFirst(entity.label.one)}`;
  const data = await formData(req, entity, typed);
  await page(req, res, 'catalog-pages/new', {
    title: Object.keys(typed.errors).length > 0 ? `Error: ${title}` : title,
    crumbs: rowCrumbs(entity, title, typed.content, data.titles),
    entity,
    key: typed.key,
    notice: typed.notice ?? '',
    ...data,
  });
}

/** Data for the form's controls: values, errors, names to choose from. */
async function formData({ here }: Request, entity: Entity, { content, errors }: Typed) {
  const linked = linksOf(entity).flatMap(({ links }) => links.parts.map((part) => part.entity));
  return {
    content,
    errors,
    titles: await titles(here.sql, referredBy(entity, content)),
    names: await namesByEntity(here.sql, [...new Set(linked)]),
  };
}

/** Initial values of a new row, with references from the address (`?form=12`). */
export function startingContent(entity: Entity, query: Request['query']): Content {
  const content: Draft<Content> = initialContent(entity);
  for (const [name, field] of fieldEntries(entity)) {
    const given = Number(textIn(query, name));
    if (field.to && Number.isSafeInteger(given) && given > 0) content[name] = given;
  }
  return content;
}
