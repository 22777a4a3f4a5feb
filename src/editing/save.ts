// Adds and saves rows in environments where editing is allowed.
import { v7 as uuid } from 'uuid';
import { sealSecrets } from '../access/secret-fields.ts';
import { differingFields, isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  keyText,
  labelOf,
  type Content,
  type Entity,
  type Row,
  type RowKey,
  type Draft,
} from '../catalog/entity.ts';
import { mended, misfitsOf } from '../catalog/misfits.ts';
import { drawIds } from '../environments/ids.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Conflict, Invalid, NotFound, Unavailable } from '../problems.ts';
import { check, withStoredNames } from './checks.ts';
import { addedBy, replacedAfter } from '../state/history.ts';
import * as journal from '../writing/journal.ts';
import type { WriteContext } from '../writing/changes.ts';
import { writeHere } from '../writing/write-here.ts';
import type { Author } from '../state/row-state.ts';
import { recordedState } from '../state/untouched.ts';

/** The error for a save when another user saved the row meanwhile and both changed the same field. */
export class EditConflict extends Conflict {
  readonly conflict: {
    theirs: Row;
    /** The fields that this user changed, with the typed values. */
    mine: Content;
    /** The names of fields that both users changed. */
    fields: string[];
    version: number;
    by: string;
  };

  constructor(conflict: EditConflict['conflict']) {
    super(`${conflict.by} saved this row while you were editing.`);
    this.conflict = conflict;
  }
}

/** The error when the same form *Add* is posted a second time with other values. */
export class AddedBefore extends Invalid {
  readonly id: number;

  constructor(id: number) {
    super({ idempotency_key: 'This form was sent before with other values.' });
    this.id = id;
  }
}

/**
 * Adds a row and returns its id. When the same form is posted twice, the second post adds no row
 * and returns the same id.
 * @throws Invalid when a value is invalid, or the form was already posted with other values
 */
export async function add(
  home: WriteContext,
  author: Author,
  entity: Entity,
  typed: Content,
  key: string = uuid(),
): Promise<number> {
  const { here } = home;
  const content = await withStoredNames(here, entity, typed);
  const twin = await journal.byKey(here.sql, author.email, key);
  if (twin) return sameAdd(here, twin, entity, content);
  await check(here, entity, null, content);
  const id = await drawIds(here, entity.name);
  const sealed = await sealSecrets(here, entity, content, null);
  const after: Row = { ...sealed, id, modified_at: '' };
  const written = await writeHere(home, author, [{ entity, before: null, after }], { key });
  return written.isNew ? id : sameAdd(here, written.transfer, entity, content);
}

/**
 * Returns the id of the row that an earlier post of the same form added; waits for that post when
 * it is still running.
 */
async function sameAdd(
  here: Environment,
  twin: journal.Transfer,
  entity: Entity,
  content: Content,
) {
  const ended = await journal.waitUntilEnded(here, twin.id);
  if (!journal.overStates.includes(ended.state)) {
    throw new Unavailable(
      'This form was already sent and is in progress. Check the list in a moment.',
    );
  }
  if (ended.state !== 'verified') {
    throw new Conflict(
      `This was sent before and not saved. ${ended.problem ?? ''}`,
      ended.problem_reason,
    );
  }
  const added = await addedBy(here, twin.id);
  const wanted = added && (await sealSecrets(here, entity, content, added));
  if (!added || differingFields(entity, added, wanted ?? {}).length > 0) {
    throw new AddedBefore(added?.id ?? 0);
  }
  return added.id;
}

/**
 * Saves a row. `version` is the row’s version when the user opened the form; every write raises it.
 * Fields that only other users changed since keep those changes. Returns the labels of the changed
 * fields.
 * @throws EditConflict when this user and another one changed the same field
 */
export async function save(
  home: WriteContext,
  author: Author,
  { entity, id }: { entity: Entity; id: number },
  typed: Content,
  version: number,
): Promise<string[]> {
  const { here } = home;
  const key = { entity: entity.name, id };
  const before = (await read(here, [key])).get(keyText(key));
  if (!before) throw new NotFound(`${entity.label.one} ${id} is not here any more.`);
  const named = await withStoredNames(here, entity, typed);
  const content = await sealSecrets(here, entity, named, before);
  const state = await recordedState(here, key, before);
  const wanted =
    state && state.version !== version
      ? await merge(here, entity, { before, mine: content, version, state })
      : content;
  refuseUnseen(before, wanted);
  await check(here, entity, before, wanted);
  const changed = differingFields(entity, before, wanted);
  const misfits = misfitsOf(before).map(({ field }) => field);
  if (changed.length > 0 || misfits.length > 0) {
    await writeHere(home, author, [{ entity, before, after: mended({ ...before, ...wanted }) }]);
  }
  return [...new Set([...misfits, ...changed])].map((field) => labelOf(entity, field));
}

/**
 * Refuses to overwrite an invalid stored value that the form could not show.
 * @throws Invalid when the user would overwrite such a value without having seen it
 */
function refuseUnseen(before: Row, wanted: Content) {
  const lost = misfitsOf(before).filter(
    ({ field }) => field !== 'modified_at' && !(field in before) && wanted[field] === undefined,
  );
  if (lost.length > 0) {
    throw new Invalid(
      Object.fromEntries(lost.map(({ field, message }) => [field, `${message}: enter it again`])),
    );
  }
}

/**
 * Merges three contents of a row: as this user opened it, as another user saved it meanwhile, and
 * as this user typed it.
 */
async function merge(
  here: Environment,
  entity: Entity,
  {
    before: theirs,
    mine: typed,
    version,
    state,
  }: {
    before: Row;
    mine: Content;
    version: number;
    state: { version: number; changed_by: string };
  },
): Promise<Content> {
  const opened = await replacedAfter(here.sql, { entity: entity.name, id: theirs.id }, version);
  const mine: Draft<Content> = {};
  const fields: string[] = [];
  for (const [field] of fieldEntries(entity)) {
    const value = typed[field];
    if (value === undefined || (opened && isSameValue(value, opened[field]))) continue;
    mine[field] = value;
    const isForeign = !opened || !isSameValue(theirs[field], opened[field]);
    if (isForeign && !isSameValue(value, theirs[field])) fields.push(field);
  }
  if (fields.length > 0) {
    const by = state.changed_by;
    throw new EditConflict({ theirs, mine, fields, version: state.version, by });
  }
  return { ...theirs, ...mine };
}

/**
 * Returns the content that a form opened at `version` showed; null if the row never existed in this
 * environment.
 */
export async function contentAt(
  here: Environment,
  key: RowKey,
  version: number,
): Promise<Content | null> {
  const row = (await read(here, [key])).get(keyText(key)) ?? null;
  const state = await recordedState(here, key, row ?? undefined);
  const isCurrent = row && (!state || state.version === version);
  return isCurrent ? row : ((await replacedAfter(here.sql, key, version)) ?? row);
}
