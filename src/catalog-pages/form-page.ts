// Renders the form of a row, for adding and for editing, with its dependent rows.
import { v7 as uuid } from 'uuid';
import type { Request, Response } from 'express';
import { differingFields } from '../catalog/content.ts';
import {
  initialContent,
  keyText,
  linksOf,
  titleOf,
  type Content,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { dependentsOf, ownerOf } from '../catalog/family.ts';
import { entityNamed } from '../catalog/index.ts';
import { namesByEntity } from '../rows/names.ts';
import type { FieldErrors } from '../problems.ts';
import { titlesOf } from '../state/untouched.ts';
import { lowerFirst, plural } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { zoneOf } from '../web/viewer.ts';
import { areTooMany, childrenShown, childSections, withRowNames } from './child-rows.ts';
import { inputsOf } from './inputs.ts';
import { zoneOfForm } from '../web/posted-instant.ts';
import { rowContext } from './row-page.ts';
import { referredBy } from './titles.ts';
import type { ShownChild } from './typed-family.ts';

export type Typed = {
  content: Content;
  /** The dependent rows as the user typed them; missing if the form shows the stored rows. */
  children?: ShownChild[];
  /** The prefix of a dependent row that was just added. */
  openedChild?: string;
  /** Whether the form shows unsaved values that the server did not refuse. */
  isUnsaved?: boolean;
  /** Which earlier version of the row the form shows. */
  versionNote?: string;
  errors: FieldErrors;
  version?: number;
  /** The idempotency key of the form; missing if the form is new. */
  key?: string;
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
  const title = titleOf(entity, row);
  const shown = await rowContext(req, entity, row);
  const data = await formData(req, entity, typed, { row, children: shown.children });
  await page(req, res, 'catalog-pages/edit', {
    ...shown,
    title: isRefused(typed) ? `Error: ${title}` : title,
    crumbs: rowCrumbs(entity, title, row, shown.titles),
    ...data,
    // Dependent rows that the form shows are not listed again below it.
    children: shown.children.filter(({ rows }) => areTooMany(rows)),
    notice: noticeOf(typed),
    versionNote: typed.versionNote ?? '',
    unsaved: unsavedIn(entity, typed, typed.opened ?? row),
    version: typed.version ?? shown.state?.version ?? 0,
    key: typed.key ?? uuid(),
  });
}

export async function newPage(
  req: Request,
  res: Response,
  entity: Entity,
  typed: Typed & { copyNote?: string },
) {
  const title = `Add ${lowerFirst(entity.label.one)}`;
  const data = await formData(req, entity, typed, { row: null, children: [] });
  await page(req, res, 'catalog-pages/new', {
    title: isRefused(typed) ? `Error: ${title}` : title,
    crumbs: rowCrumbs(entity, title, typed.content, data.titles),
    entity,
    key: typed.key ?? uuid(),
    copyNote: typed.copyNote ?? '',
    notice: noticeOf(typed),
    unsaved: unsavedIn(entity, typed, initialContent(entity)),
    ...data,
  });
}

/**
 * Returns the breadcrumb links of a row, which begin at the list, or at the parent row of a
 * dependent row.
 */
export function rowCrumbs(
  entity: Entity,
  title: string,
  content: Content,
  named: Map<string, string>,
) {
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

/**
 * Whether the server refused the typed values. They are not saved yet, so the page warns the user
 * who leaves it.
 */
const isRefused = ({ errors, notice }: Typed) =>
  Object.keys(errors).length > 0 || notice !== undefined;

/**
 * Says which fields of an unsaved form differ from what is stored, for the count of unsaved changes.
 */
function unsavedIn(entity: Entity, typed: Typed, stored: Content) {
  if (!isRefused(typed) && !typed.isUnsaved) return { state: '', names: '', text: '' };
  const names = [
    ...differingFields(entity, typed.content, stored),
    ...(typed.children ?? []).flatMap(unsavedInChild),
  ];
  const text = names.length > 0 ? plural(names.length, unsavedLabel) : 'Not saved yet';
  return { state: 'refused', names: names.join(' '), text };
}

function unsavedInChild({ ref, entity, isRemoved, content, opened }: ShownChild): string[] {
  if (isRemoved) return [`${ref}_removed`];
  if (!opened) return [ref];
  return differingFields(entity, content, opened).map((name) => `${ref}${name}`);
}

const unsavedLabel = { one: 'unsaved change', many: 'unsaved changes' };

const noticeOf = ({ notice }: Typed): Notice | null =>
  typeof notice === 'string' ? { text: notice, href: '', linkText: '' } : (notice ?? null);

type StoredFamily = {
  row: Row | null;
  children: Awaited<ReturnType<typeof rowContext>>['children'];
};

/** Returns what the inputs of the form show: values, errors and options. */
async function formData(req: Request, entity: Entity, typed: Typed, stored: StoredFamily) {
  const { here } = req;
  const { content, errors, opened = null } = typed;
  const zone = zoneOfForm(req.form, zoneOf(req));
  const shown = await childrenShown(here, entity, stored.children, typed.children ?? null);
  const linked = [entity, ...dependentsOf(entity)].flatMap((one) =>
    linksOf(one).flatMap(({ links }) => links.parts.map((part) => part.entity)),
  );
  const referred = [
    ...[content, opened ?? {}].flatMap((one) => referredBy(entity, one)),
    ...shown.flatMap((one) => referredBy(one.entity, one.content)),
  ];
  const titles = await titlesOf(here, referred);
  const typedChildren = { errors, titles, zone, openedRef: typed.openedChild ?? '' };
  return {
    errors: withRowNames(errors, shown),
    titles,
    inputs: inputsOf(entity, { content, errors, opened, titles, zone, stored: stored.row }),
    sections: childSections(entity, shown, stored.children, typedChildren),
    names: await namesByEntity(here.sql, [...new Set(linked)]),
  };
}
