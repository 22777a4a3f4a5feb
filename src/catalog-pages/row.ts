// The pages of one row: its values, its form, its history, and the row as it was after an earlier change.
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
import { differingFields } from '../catalog/content.ts';
import { ownerOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import { namesByEntity } from '../rows/names.ts';
import { NotFound, type FieldErrors } from '../problems.ts';
import { readOne } from '../rows/store.ts';
import { historyOf, rowAtMoment } from '../state/history.ts';
import { readStates } from '../state/row-state.ts';
import { recordedState, titlesOf } from '../state/untouched.ts';
import { formatValue, lowerFirst, plural } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { accountOf, addressed, numberOrNull, textIn } from '../web/request.ts';
import { inputsOf } from './inputs.ts';
import { historyLine, rowContext } from './row-page.ts';
import { referredBy } from './titles.ts';

/**
 * Shows the page of a row: a form for people who may edit the row, and only the values for everyone
 * else.
 */
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

/**
 * Returns the breadcrumb links of a row, which begin at the list, or at the parent row of a
 * dependent row.
 */
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

export async function history(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const key = { entity: entity.name, id };
  const state = await recordedState(req.here, key, await readOne(req.here, key));
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
    lines: (await historyOf(req.here, key, 200)).map((arrival) => historyLine(arrival, entity)),
    columns: [
      { side: 'before', label: 'Before' },
      { side: 'after', label: 'After' },
    ],
  });
}

/** Shows a row with its dependent rows as they were after one change of its history. */
export async function moment(req: Request, res: Response) {
  const { entity, id } = addressed(req);
  const key = { entity: entity.name, id };
  const lines = await rowAtMoment(req.here, key, numberOrNull(req.params['arrival']) ?? 0);
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
      const row = line.after;
      const fields = fieldEntries(of).map(([name, field]) => ({
        label: labelOf(of, name),
        value: formatValue(field, row?.[name]),
      }));
      return { line, entity: of, isGone: row === null, fields };
    }),
  });
}

export type Typed = {
  content: Content;
  errors: FieldErrors;
  version?: number;
  /** The content of the row when its form was opened. */
  opened?: Content | null;
  notice?: Notice | string;
};
/** A message about the whole form, with a link to the row that the message is about. */
type Notice = { text: string; href: string; linkText: string };

export async function editPage(
  req: Request,
  res: Response,
  entity: Entity,
  row: Row,
  typed: Typed,
) {
  const hasErrors = isRefused(typed);
  const title = titleOf(entity, row);
  const shown = await rowContext(req, entity, row);
  await page(req, res, 'catalog-pages/edit', {
    ...shown,
    title: hasErrors ? `Error: ${title}` : title,
    crumbs: rowCrumbs(entity, title, row, shown.titles),
    ...(await formData(req, entity, typed, row)),
    notice: noticeOf(typed),
    unsaved: unsavedIn(entity, typed, typed.opened ?? row),
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
  const data = await formData(req, entity, typed, null);
  await page(req, res, 'catalog-pages/new', {
    title: isRefused(typed) ? `Error: ${title}` : title,
    crumbs: rowCrumbs(entity, title, typed.content, data.titles),
    entity,
    key: typed.key,
    notice: noticeOf(typed),
    unsaved: unsavedIn(entity, typed, initialContent(entity)),
    ...data,
  });
}

/**
 * Whether the server refused the typed values. They are not saved yet, so the page warns the user
 * who leaves it.
 */
const isRefused = ({ errors, notice }: Typed) =>
  Object.keys(errors).length > 0 || notice !== undefined;

/**
 * Says which fields of a refused form differ from what is stored, for the count of unsaved changes.
 */
function unsavedIn(entity: Entity, typed: Typed, stored: Content) {
  const names = isRefused(typed) ? differingFields(entity, typed.content, stored) : [];
  const text = names.length > 0 ? plural(names.length, unsavedLabel) : 'Not saved yet';
  return isRefused(typed)
    ? { state: 'refused', names: names.join(' '), text }
    : { state: '', names: '', text: '' };
}

const unsavedLabel = { one: 'unsaved change', many: 'unsaved changes' };

const noticeOf = ({ notice }: Typed): Notice | null =>
  typeof notice === 'string' ? { text: notice, href: '', linkText: '' } : (notice ?? null);

/** Returns what the inputs of the form show: values, errors and options. */
async function formData({ here }: Request, entity: Entity, typed: Typed, stored: Row | null) {
  const { content, errors, opened = null } = typed;
  const linked = linksOf(entity).flatMap(({ links }) => links.parts.map((part) => part.entity));
  const referred = [content, opened ?? {}].flatMap((one) => referredBy(entity, one));
  const named = await titlesOf(here, referred);
  return {
    errors,
    titles: named,
    inputs: inputsOf(entity, { content, errors, opened, titles: named, stored }),
    names: await namesByEntity(here.sql, [...new Set(linked)]),
  };
}

/** Returns the initial values of a new row, with references from the URL (`?form=12`). */
export function startingContent(entity: Entity, query: Request['query']): Content {
  const content: Draft<Content> = initialContent(entity);
  for (const [name, field] of fieldEntries(entity)) {
    const given = field.to ? numberOrNull(textIn(query, name)) : null;
    if (given !== null) content[name] = given;
  }
  return content;
}
