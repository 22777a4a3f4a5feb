// Plans the save of one row: merges what other users saved meanwhile, and checks the typed values.
import { sealSecrets } from '../access/secret-fields.ts';
import { differingFields, isSameValue } from '../catalog/content.ts';
import {
  fieldEntries,
  keyText,
  labelOf,
  titleOf,
  type Content,
  type Draft,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { mended, misfitsOf } from '../catalog/misfits.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { Conflict, Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { check, withStoredNames } from './checks.ts';
import { replacedAfter } from '../state/former-contents.ts';
import { writersAfter } from '../state/history.ts';
import { recordedState } from '../state/untouched.ts';
import type { Change } from '../writing/changes.ts';

/** A row in which this user and another user changed the same fields. */
export type RowConflict = {
  /** The prefix of the row’s inputs in the form; empty for the row of the page itself. */
  ref: string;
  entity: Entity;
  theirs: Row;
  /** The fields that this user changed, with the typed values. */
  mine: Content;
  /** The names of fields that both users changed. */
  fields: string[];
  version: number;
  by: string;
};

/** The error when a save would overwrite fields that another user saved meanwhile. */
export class EditConflict extends Conflict {
  readonly conflicts: readonly RowConflict[];

  constructor(conflicts: readonly RowConflict[]) {
    super(`${conflicts[0]?.by} saved this row while you were editing.`);
    this.conflicts = conflicts;
  }
}

export type PlannedSave = {
  /** The stored row, and its content after the save. */
  before: Row;
  after: Content;
  /** What to write; null if every value is the same. */
  change: Change | null;
  /** The labels of the changed fields. */
  changed: string[];
  /** The changes by other users that the save keeps; null if there are none. */
  merged: Merged | null;
};

/** Fields of a row that only other users changed while its form was open. */
export type Merged = { title: string; fields: string[]; by: string[] };

/**
 * Plans the save of a row whose form was opened at `version`. Fields that only other users changed since keep those
 * changes.
 * @throws EditConflict when this user and another one changed the same field
 * @throws Invalid when a value is invalid
 * @throws NotFound when the row does not exist any more
 */
export async function planSave(
  here: Environment,
  { entity, id }: { entity: Entity; id: number },
  typed: Content,
  version: number,
  settled: readonly string[] = [],
): Promise<PlannedSave> {
  const key = { entity: entity.name, id };
  const before = (await read(here, [key])).get(keyText(key));
  if (!before) throw new NotFound(`${entity.label.one} ${id} is not here any more.`);
  const named = await withStoredNames(here, entity, typed);
  const content = await sealSecrets(here, entity, named, before);
  const state = await recordedState(here, key, before);
  const merge =
    state && state.version !== version
      ? await merged(here, entity, { before, mine: content, version, state })
      : { content, kept: [] };
  const wanted = merge.content;
  refuseUnseen(before, wanted);
  await check(here, entity, before, wanted, settled);
  const changed = differingFields(entity, before, wanted);
  const misfits = misfitsOf(before).map(({ field }) => field);
  const fields = [...new Set([...misfits, ...changed])];
  const after = mended({ ...before, ...wanted });
  return {
    before,
    after,
    change: fields.length > 0 ? { entity, before, after } : null,
    changed: fields.map((field) => labelOf(entity, field)),
    merged:
      merge.kept.length > 0
        ? {
            title: titleOf(entity, before),
            fields: merge.kept.map((field) => labelOf(entity, field)),
            by: await writersAfter(here.sql, key, version),
          }
        : null,
  };
}

/**
 * Refuses to overwrite an invalid stored value that the form could not show.
 * @throws Invalid when the user would overwrite such a value without having seen it
 */
function refuseUnseen(before: Row, wanted: Content) {
  const errors = unseenValues(before, wanted);
  if (Object.keys(errors).length > 0) throw new Invalid(errors);
}

/** Returns a message for each invalid stored value that no form could show, and that the wanted content does not have. */
export const unseenValues = (before: Row, wanted: Content): FieldErrors =>
  Object.fromEntries(
    misfitsOf(before).flatMap(({ field, message }) =>
      field === 'modified_at' || field in before || wanted[field] !== undefined
        ? []
        : [[field, `${message}: enter it again`]],
    ),
  );

/**
 * Merges three contents of a row: as this user opened it, as another user saved it meanwhile, and
 * as this user typed it. `kept`: the fields that only other users changed.
 */
async function merged(
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
): Promise<{ content: Content; kept: string[] }> {
  const opened = await replacedAfter(here.sql, { entity: entity.name, id: theirs.id }, version);
  const mine: Draft<Content> = {};
  const fields: string[] = [];
  const kept: string[] = [];
  for (const [field] of fieldEntries(entity)) {
    const value = typed[field];
    const isForeign = !opened || !isSameValue(theirs[field], opened[field]);
    if (value === undefined || (opened && isSameValue(value, opened[field]))) {
      if (opened && isForeign) kept.push(field);
      continue;
    }
    mine[field] = value;
    if (isForeign && !isSameValue(value, theirs[field])) fields.push(field);
  }
  if (fields.length > 0) {
    const by = state.changed_by;
    throw new EditConflict([{ ref: '', entity, theirs, mine, fields, version: state.version, by }]);
  }
  return { content: { ...theirs, ...mine }, kept };
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
