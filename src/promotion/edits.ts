// Saving, adding and deleting rows where that is allowed: the same write as a transfer, with this
// environment as its own destination.
import { v7 as uuid } from 'uuid';
import { contentOf, differingFields, isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  keyText,
  labelOf,
  referencesOf,
  titleOf,
  type Content,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { textOf, type Link } from '../catalog/fields.ts';
import { dependentsOf, entityNamed, referencesTo } from '../catalog/index.ts';
import { first, sql } from '../database/sql.ts';
import { drawIds } from '../environments/ids.ts';
import { idsByName } from '../environments/names.ts';
import { rowsLinkedWith } from '../environments/links.ts';
import type { Stop } from '../environments/place.ts';
import { read, readBy } from '../environments/row-store.ts';
import { Conflict, Invalid, NotFound, Unavailable, type FieldErrors } from '../problems.ts';
import { holding } from './facts.ts';
import * as journal from './journal.ts';
import { readStates, type Author } from './row-states.ts';
import { carry, Unsettled } from './write.ts';

export type Home = { here: Stop; lease: number };

/** Someone saved the row in between, and both changed the same field. */
export class EditConflict extends Conflict {
  readonly conflict: {
    theirs: Row;
    mine: Content;
    merged: Content;
    fields: string[];
    version: number;
    by: string;
  };

  constructor(conflict: EditConflict['conflict']) {
    super(`${conflict.by} saved this row while you were editing.`);
    this.conflict = conflict;
  }
}

/** @throws Invalid when a value does not fit; answers the new row's id */
export async function add(
  home: Home,
  author: Author,
  entity: Entity,
  content: Content,
  key: string = uuid(),
): Promise<number> {
  await check(home.here, entity, null, content);
  const twin = await journal.byKey(home.here.sql, author.email, key);
  if (twin) return (await journal.stepsOf(home.here.sql, twin.id))[0]?.id ?? 0;
  const id = await drawIds(home.here, entity.name);
  const after: Row = { ...content, id, modified_at: '' };
  await write(home, author, [{ entity, before: null, after }], key);
  return id;
}

/**
 * Saves a row that was opened at `version`. What someone else saved meanwhile is merged field by field.
 * Answers the labels of the fields that changed.
 * @throws EditConflict when both changed the same field
 */
export async function save(
  home: Home,
  author: Author,
  { entity, id }: { entity: Entity; id: number },
  content: Content,
  version: number,
): Promise<string[]> {
  const { here } = home;
  const key = { entity: entity.name, id };
  const before = (await read(here, [key])).get(keyText(key));
  if (!before) throw new NotFound(`${entity.label.one} ${id} is not here any more.`);
  const state = (await readStates(here.sql, [key])).get(keyText(key));
  const wanted =
    state && state.version !== version
      ? await merge(here, entity, { before, mine: content, version, state })
      : content;
  await check(here, entity, id, wanted);
  const changed = differingFields(entity, before, wanted);
  if (changed.length > 0) {
    await write(home, author, [{ entity, before, after: { ...before, ...wanted } }], uuid());
  }
  return changed.map((field) => labelOf(entity, field));
}

/** Three ways: as it was opened, as they saved it, as I typed it. */
async function merge(
  here: Stop,
  entity: Entity,
  {
    before: theirs,
    mine,
    version,
    state,
  }: {
    before: Row;
    mine: Content;
    version: number;
    state: { version: number; changed_by: string };
  },
): Promise<Content> {
  const opened = await contentAt(here, { entity: entity.name, id: theirs.id }, version);
  const merged: Content = {};
  const fields: string[] = [];
  for (const [field] of fieldEntries(entity)) {
    const isMine = !opened || !isSameValue(mine[field], opened[field]);
    const isTheirs = !opened || !isSameValue(theirs[field], opened[field]);
    merged[field] = (isMine ? mine[field] : theirs[field]) ?? null;
    if (isMine && isTheirs && !isSameValue(mine[field], theirs[field])) fields.push(field);
  }
  if (fields.length > 0) {
    const by = state.changed_by;
    throw new EditConflict({ theirs, mine, merged, fields, version: state.version, by });
  }
  return merged;
}

/** A row's content as it stood at a version, from its history. */
async function contentAt(here: Stop, { entity, id }: RowKey, version: number) {
  const line = await first<{ after_image: string | null }>(
    here.sql,
    sql`select after_image from arrival
         where entity = ${entity} and row_id = ${id} and version = ${version}
         order by id desc limit 1`,
  );
  return line?.after_image ? (JSON.parse(line.after_image) as Row) : null;
}

export type Deletion = {
  row: Row;
  goesAlong: { entity: Entity; row: Row }[];
  usedBy: { entity: Entity; row: Row }[];
};

/** What a deletion takes along, and what stands in its way. */
export async function deletion(here: Stop, entity: Entity, id: number): Promise<Deletion> {
  const key = { entity: entity.name, id };
  const row = (await read(here, [key])).get(keyText(key));
  if (!row) throw new NotFound(`${entity.label.one} ${id} is not here.`);
  const goesAlong: Deletion['goesAlong'] = [];
  for (const dependent of dependentsOf(entity)) {
    const rows = await readBy(here, dependent, dependent.owner ?? '', [id]);
    goesAlong.push(...rows.map((one) => ({ entity: dependent, row: one })));
  }
  const usedBy: Deletion['usedBy'] = [];
  for (const { from, field } of referencesTo(entity)) {
    if (!entity.dependents.includes(from.name)) {
      const rows = await readBy(here, from, field, [id]);
      usedBy.push(...rows.map((one) => ({ entity: from, row: one })));
    }
  }
  if (entity.isMatchedByName) usedBy.push(...(await rowsLinkedWith(here, entity.name, [id])));
  return { row, goesAlong, usedBy };
}

/** @throws Conflict when other rows still use it */
export async function remove(home: Home, author: Author, entity: Entity, id: number) {
  const { row, goesAlong, usedBy } = await deletion(home.here, entity, id);
  if (usedBy.length > 0) {
    throw new Conflict(
      `${titleOf(entity, row)} is still used by ${usedBy.length} other rows. Change those first.`,
    );
  }
  const all = [{ entity, row }, ...goesAlong];
  const changes = all.map((one) => ({ entity: one.entity, before: one.row, after: null }));
  await write(home, author, changes, uuid());
}

export type Change = { entity: Entity; before: Row | null; after: Row | null };

/** Writes changes in one transfer of their own. */
export async function write(
  home: Home,
  author: Author,
  changes: Change[],
  key: string,
  as: { kind: journal.Kind; name?: string } = { kind: 'save' },
) {
  const { here, lease } = home;
  const titled = changes.map((change) => ({
    ...change,
    title: titleOf(change.entity, (change.after ?? change.before) as Row),
  }));
  const transfer = await journal.open(here, here, lease, {
    kind: as.kind,
    name: as.name ?? titled[0]?.title ?? '',
    reason: null,
    person: author.email,
    role: author.isProductManager ? 'product_manager' : 'editor',
    idempotencyKey: key,
    planHash: ''.padEnd(64, '0'),
    chain: [],
    reliedOn: [],
    steps: titled.map(({ entity, before, after, title }) => ({
      entity: entity.name,
      id: ((after ?? before) as Row).id,
      title,
      action: before === null ? 'create' : after === null ? 'remove' : 'update',
      because: null,
      before,
      after,
    })),
  });
  try {
    const ended = await carry(here, here, transfer, lease);
    if (ended.state !== 'verified') {
      const why = (await journal.byId(here.sql, ended.id))?.problem;
      throw new Conflict(`Nothing was saved. ${why ?? ''}`);
    }
  } catch (error) {
    if (!(error instanceof Unsettled)) throw error;
    throw new Unavailable(
      'A database does not answer. What you saved is kept and will be finished as soon as it does.',
    );
  }
}

/** What a form alone cannot know: do references exist, are names known, is a unique value free? */
async function check(here: Stop, entity: Entity, id: number | null, content: Content) {
  const errors: FieldErrors = {};
  for (const { field, to } of referencesOf(entity)) {
    const target = content[field];
    if (typeof target === 'number' && !(await read(here, [{ entity: to, id: target }])).size) {
      errors[field] =
        `Choose ${labelOf(entity, field).toLowerCase()} from the list: there is no ${entityNamed(to).label.one.toLowerCase()} ${target}`;
    }
  }
  for (const [field, { unique, through }] of fieldEntries(entity)) {
    if (unique) {
      const value = textOf(content[field]);
      const holder = (await holding(here, entity, field, [value])).find((one) => one.id !== id);
      if (holder) {
        errors[field] =
          `${labelOf(entity, field)} must be different from the ${labelOf(entity, field).toLowerCase()} of ${entity.label.one.toLowerCase()} ${holder.id}`;
      }
    }
    if (through) {
      const unknown = await unknownNames(here, (content[field] ?? []) as Link[]);
      if (unknown)
        errors[field] = `Choose a ${unknown.kind} from the list: “${unknown.name}” is not one`;
    }
  }
  if (entity.isMatchedByName && id !== null) {
    Object.assign(errors, await renameError(here, entity, id, content));
  }
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
}

async function unknownNames(here: Stop, links: Link[]) {
  for (const [kind, names] of [
    ['city', links.map((link) => link.city)],
    ['partner', links.flatMap((link) => link.partner ?? [])],
  ] as const) {
    const known = await idsByName(here.sql, kind, names);
    const unknown = names.find((one) => !known.has(one));
    if (unknown !== undefined) return { kind, name: unknown };
  }
  return null;
}

/** Other environments find a city or partner by its name, and rows carry it as content. */
async function renameError(here: Stop, entity: Entity, id: number, content: Content) {
  const { row, usedBy } = await deletion(here, entity, id);
  const isRenamed = contentOf(entity, row)['name'] !== content['name'];
  return isRenamed && usedBy.length > 0
    ? {
        name: `The name is what other environments know it by, and ${usedBy.length} rows use it. Add a new ${entity.label.one.toLowerCase()} instead, or map the name on the Names page.`,
      }
    : {};
}
