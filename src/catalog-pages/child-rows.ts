// Builds the dependent rows of a form: fields of a form, receipts of a task, tools of a business.
import { differingFields } from '../catalog/content.ts';
import {
  fieldEntries,
  initialContent,
  keyText,
  labelOf,
  type Content,
  type Entity,
  type Row,
} from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { dependentsOf } from '../catalog/family.ts';
import { inOrder } from '../editing/order.ts';
import type { Environment } from '../environments/environment.ts';
import type { FieldErrors } from '../problems.ts';
import { recordedStates } from '../state/untouched.ts';
import type { Status } from '../state/status.ts';
import { formatValue, lowerFirst } from '../web/format.ts';
import { newChild } from './arrange.ts';
import { inputsOf, type Input } from './inputs.ts';
import { MOST_CHILDREN, type ShownChild } from './typed-family.ts';

/**
 * A dependent row, with its misfits (values that do not fit their fields) and its status, which the
 * page of the parent row shows.
 */
type Stored = { own: Row; misfits: string[]; status: Status | null };

type ChildRow = {
  ref: string;
  title: string;
  summary: string;
  href: string;
  isOpen: boolean;
  isRemoved: boolean;
  version: number | null;
  /** Whether another user has removed the row. Saving the form adds the row again. */
  isGone: boolean;
  misfits: string[];
  status: Status | null;
  inputs: Input[];
};

type ChildSection = {
  entity: Entity;
  rows: ChildRow[];
  /** A new row, which the script in the browser copies when the user adds a row. */
  template: ChildRow;
};

type TypedChildren = {
  errors: FieldErrors;
  titles: Map<string, string>;
  zone: string;
  /**
   * The prefix of the inputs of the row that the user has just added; the page shows this row open.
   */
  openedRef: string;
};

/** Whether so many dependent rows exist that their parent’s page only lists them. */
export const areTooMany = (rows: readonly unknown[]): boolean => rows.length > MOST_CHILDREN;

/**
 * Returns the dependent rows that the form shows: the stored rows, with the values that the user
 * typed into them, and the rows that the user wants to add.
 */
export async function childrenShown(
  here: Environment,
  entity: Entity,
  stored: readonly { entity: Entity; rows: readonly { own: Row }[] }[],
  typed: ShownChild[] | null,
): Promise<ShownChild[]> {
  const shown: ShownChild[] = [];
  for (const child of dependentsOf(entity)) {
    const rows = stored.find((one) => one.entity === child)?.rows ?? [];
    const mine = (typed ?? []).filter((one) => one.entity === child);
    if (areTooMany(rows)) {
      // There are too many stored rows for the form, perhaps because other users added some
      // meanwhile. What the user typed stays on the page.
      shown.push(...mine);
      continue;
    }
    const states = await recordedStates(
      here,
      new Map(rows.map(({ own }) => [keyText({ entity: child.name, id: own.id }), own])),
    );
    for (const { own } of rows) {
      const version = states.get(keyText({ entity: child.name, id: own.id }))?.version ?? 0;
      shown.push(mine.find(({ id }) => id === own.id) ?? asStored(child, own, version));
    }
    const known = new Set(rows.map(({ own }) => own.id));
    const others = mine.filter(({ id }) => id === null || !known.has(id));
    shown.push(...others.flatMap((one) => (one.id === null ? [one] : asGone(one))));
  }
  return shown;
}

/**
 * Handles a row that another user removed while this user edited it. If this user changed the row,
 * the form shows it as a new row, so that saving adds it again.
 */
function asGone(child: ShownChild): ShownChild[] {
  const { entity, content, opened, isRemoved } = child;
  const isTouched = !opened || differingFields(entity, content, opened).length > 0;
  return isTouched && !isRemoved ? [asNew(child)] : [];
}

export const asNew = (child: ShownChild): ShownChild => ({
  ...child,
  id: null,
  version: 0,
  opened: null,
});

const asStored = (entity: Entity, own: Row, version: number): ShownChild => ({
  ref: `${entity.name}.${own.id}.`,
  entity,
  id: own.id,
  version,
  isRemoved: false,
  content: own,
  opened: null,
});

/** Returns the sections of a form: one for each dependent entity. */
export function childSections(
  entity: Entity,
  shown: ShownChild[],
  stored: readonly { entity: Entity; rows: readonly Stored[] }[],
  typed: TypedChildren,
): ChildSection[] {
  return dependentsOf(entity).flatMap((child) => {
    const known = stored.find((one) => one.entity === child)?.rows ?? [];
    const own = shown.filter((one) => one.entity === child);
    if (areTooMany(known) && own.length === 0) return [];
    const rows = inOrder(child, own, ({ content }) => content).map((one) =>
      childRow(one, known.find((row) => row.own.id === one.id) ?? null, typed),
    );
    const first = { ...newChild(child, [], initialContent(child)), ref: `${child.name}.n0.` };
    return [{ entity: child, rows, template: childRow(first, null, { ...typed, errors: {} }) }];
  });
}

function childRow(
  { ref, entity, id, version, isRemoved, content, opened }: ShownChild,
  stored: Stored | null,
  { errors, titles, zone, openedRef }: TypedChildren,
): ChildRow {
  const own = Object.fromEntries(
    Object.entries(errors).flatMap(([name, text]) =>
      name.startsWith(ref) ? [[name.slice(ref.length), text]] : [],
    ),
  );
  const inputs = inputsOf(entity, {
    content,
    errors: own,
    titles,
    zone,
    opened,
    stored: stored?.own ?? null,
    prefix: ref,
  }).filter(({ name }) => name !== `${ref}${entity.owner}`);
  return {
    ref,
    title: textOf(content[entity.title]) || `New ${lowerFirst(entity.label.one)}`,
    summary: summaryOf(entity, content),
    href: id === null ? '' : `/catalog/${entity.name}/${id}`,
    isOpen: ref === openedRef || !content[entity.title] || Object.keys(own).length > 0,
    isRemoved,
    version: id === null ? null : version,
    isGone: id === null && /\.\d+\.$/.test(ref),
    misfits: stored?.misfits ?? [],
    status: stored?.status ?? null,
    inputs,
  };
}

/** Describes a dependent row by its values in one line, such as `Choice · Required` */
function summaryOf(entity: Entity, content: Content): string {
  const shownElsewhere = [entity.owner, entity.title, entity.order];
  const fields = fieldEntries(entity).filter(
    ([name, field]) => field.list && !shownElsewhere.includes(name),
  );
  const parts = fields.flatMap(([name, field]) => {
    const value = content[name] ?? null;
    if (field.kind === 'flag') return value === true ? [labelOf(entity, name)] : [];
    return formatValue(field, value);
  });
  return parts.filter(Boolean).join(' · ');
}

/** Names the row in each message about a dependent row: `Form field “Name”: Enter a label` */
export function withRowNames(errors: FieldErrors, shown: ShownChild[]): FieldErrors {
  return Object.fromEntries(
    Object.entries(errors).map(([name, text]) => {
      const row = shown.find(({ ref }) => name.startsWith(ref));
      if (!row) return [name, text];
      const title = textOf(row.content[row.entity.title]);
      const named = title
        ? `${row.entity.label.one} “${title}”`
        : `New ${lowerFirst(row.entity.label.one)}`;
      return [name, `${named}: ${text}`];
    }),
  );
}
