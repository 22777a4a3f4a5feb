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

/**
 * Adds a row and answers its id. The same form posted again answers the same row.
 * @throws Invalid when a value does not fit, or when the form was sent before with other values
 */
export async function add(
  home: Home,
  author: Author,
  entity: Entity,
  content: Content,
  key: string = uuid(),
): Promise<number> {
  const { here } = home;
  const twin = await journal.byKey(here.sql, author.email, key);
  if (twin) return sameAdd(here, twin, entity, content);
  await check(here, entity, null, content);
  const id = await drawIds(here, entity.name);
  const after: Row = { ...content, id, modified_at: '' };
  const written = await write(home, author, [{ entity, before: null, after }], { key });
  return written.isNew ? id : sameAdd(here, written.transfer, entity, content);
}

/** What became of a form that was posted before. */
async function sameAdd(here: Stop, twin: journal.Transfer, entity: Entity, content: Content) {
  const ended = await journal.whenEnded(here, twin.id);
  const [step] = await journal.stepsOf(here.sql, twin.id);
  if (ended.state !== 'verified') {
    throw new Conflict(
      `This was sent before and is not saved: ${ended.problem ?? 'it is still being settled'} Go back to the list and add it again.`,
    );
  }
  if (!step?.after || differingFields(entity, step.after, content).length > 0) {
    throw new Invalid({
      idempotency_key: 'This form was sent before with other values. Open it again.',
    });
  }
  return step.id;
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
    await write(home, author, [{ entity, before, after: { ...before, ...wanted } }]);
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
  await write(home, author, changes);
}

export type Change = { entity: Entity; before: Row | null; after: Row | null };

export type Naming = { key?: string; kind?: journal.Kind; name?: string };

/**
 * Writes changes in one transfer of their own.
 * @throws Conflict when a row is not as it was, Unavailable when it is not certain yet
 */
export async function write(
  { here, lease }: Home,
  author: Author,
  changes: Change[],
  { key = uuid(), kind = 'save', name }: Naming = {},
): Promise<{ transfer: journal.Transfer; isNew: boolean }> {
  const steps = changes.map(asStep);
  const opened = await journal.open(here, here, lease, {
    kind,
    name: name ?? steps[0]?.title ?? '',
    reason: null,
    person: author.email,
    role: author.isProductManager ? 'product_manager' : 'editor',
    idempotencyKey: key,
    planHash: ''.padEnd(64, '0'),
    chain: [],
    reliedOn: await reliedOn(here, changes),
    steps,
  });
  if (!opened.isNew) return opened;
  try {
    const ended = await carry(here, here, opened.transfer, lease);
    if (ended.state !== 'verified') {
      const why = (await journal.byId(here.sql, ended.id))?.problem;
      throw new Conflict(`Nothing was saved. ${why ?? ''}`);
    }
    return opened;
  } catch (error) {
    if (!(error instanceof Unsettled || error instanceof journal.Stale)) throw error;
    throw new Unavailable(
      'A database does not answer. What you saved is kept and will be finished as soon as it does.',
    );
  }
}

function asStep({ entity, before, after }: Change): journal.Step {
  const row = (after ?? before) as Row;
  return {
    entity: entity.name,
    id: row.id,
    title: titleOf(entity, row),
    action: before === null ? 'create' : after === null ? 'remove' : 'update',
    because: null,
    before,
    after,
  };
}

/** Rows that must stay while these are written: what they refer to, and their cities and partners. */
async function reliedOn(here: Stop, changes: Change[]): Promise<RowKey[]> {
  const keys = new Map<string, RowKey>();
  const links: Link[] = [];
  for (const { entity, after } of changes) {
    for (const { field, to } of after ? referencesOf(entity) : []) {
      const id = after?.[field];
      if (typeof id === 'number') keys.set(keyText({ entity: to, id }), { entity: to, id });
    }
    for (const [field, { through }] of fieldEntries(entity)) {
      if (through) links.push(...((after?.[field] ?? []) as Link[]));
    }
  }
  for (const [entity, names] of [
    ['city', links.map(({ city }) => city)],
    ['partner', links.flatMap(({ partner }) => partner ?? [])],
  ] as const) {
    for (const [id] of (await idsByName(here.sql, entity, names)).values()) {
      if (id !== undefined) keys.set(keyText({ entity, id }), { entity, id });
    }
  }
  for (const { entity, before, after } of changes) {
    keys.delete(keyText({ entity: entity.name, id: ((after ?? before) as Row).id }));
  }
  return [...keys.values()];
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
