// Decides which rows a refresh copies from production, and why it skips the others.
import { hashOf, isSameContent } from '../catalog/content.ts';
import { fieldEntries, hasLocalFields, keyText, type Entity, type Row } from '../catalog/entity.ts';
import { misfitsOf } from '../catalog/misfits.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { sourceText } from '../environments/rules.ts';
import { read } from '../rows/store.ts';
import { onRows } from '../writing/claims.ts';
import { formerContents } from '../state/former-contents.ts';
import { lastWrites, latestArrivals } from '../state/history.ts';
import { withMappedNames, readMappings, type Mappings } from '../state/name-mapping.ts';
import type { Change } from '../writing/changes.ts';
import { readStates, type RowState } from '../state/row-state.ts';
import { readDestinationHashes, type DestinationHashes } from '../state/destination-state.ts';
import { settleAll } from '../settle-all.ts';
import { OUTSIDE } from '../state/untouched.ts';
import { keyOf } from './report.ts';

type Sides = { here: Environment; there: Databases | null; source: Environment };

/**
 * The plan for one part of a refresh: production’s rows, the rows of this environment with the same ids, what is
 * recorded about both (the sync state), and the decision for each row.
 */
export type PartPlan = {
  rows: Row[];
  mine: Map<string, Row>;
  states: Map<string, RowState>;
  stops: Map<string, DestinationHashes>;
  mappings: Mappings;
  changes: Change[];
  same: Row[];
  skipped: { row: Row; why: string }[];
};

/**
 * Decides for each row of production whether the refresh copies it. `isHere` says whether this environment may have a
 * row with an id; for all other ids, this environment’s database is not queried.
 */
export async function planRefresh(
  sides: Sides,
  entity: Entity,
  rows: Row[],
  isHere: (id: number) => boolean = () => true,
): Promise<PartPlan> {
  const { here, source } = sides;
  const keys = rows.map((row) => keyOf(entity, row));
  const [mine, states, stops, mappings, claims] = await settleAll([
    read(
      here,
      keys.filter(({ id }) => isHere(id)),
    ),
    readStates(here.sql, keys),
    readDestinationHashes(here.sql, keys),
    readMappings(here.sql),
    onRows(source.sql, keys),
  ]);
  const busy = new Set(claims.map((claim) => claim.row_id));
  const decided: PartPlan = {
    rows,
    mine,
    states,
    stops,
    mappings,
    changes: [],
    same: [],
    skipped: [],
  };
  const over: Change[] = [];
  const pending: { row: Row; before: Row; why: string }[] = [];
  for (const row of rows) {
    const text = keyText(keyOf(entity, row));
    const before = mine.get(text) ?? null;
    const unfit = unfitIn(row, 'in production') ?? unfitIn(before, 'here');
    if (unfit) {
      decided.skipped.push({ row: before ?? row, why: unfit });
      continue;
    }
    if (before && isSameContent(entity, before, row)) {
      decided.same.push(row);
      continue;
    }
    const words = before && withMappedNames(entity, before, mappings);
    const why = busy.has(row.id)
      ? 'being written in production right now'
      : reasonToSkip(before, states.get(text));
    const change = words && reasonOfPending(entity, words, states.get(text), stops.get(text));
    if (why) decided.skipped.push({ row: before ?? row, why });
    else if (before && change) pending.push({ row, before, why: change });
    else over.push({ entity, before, after: withOwnLocals(entity, row, before) });
  }
  const unrecorded = await writtenUnrecorded(
    sides,
    entity,
    pending.map(({ before }) => before),
    decided,
  );
  for (const { row, before, why } of pending) {
    if (!unrecorded.has(row.id)) decided.skipped.push({ row: before, why });
    else over.push({ entity, before, after: withOwnLocals(entity, row, before) });
  }
  const underWay = await sentOnwards(sides, entity, over);
  for (const change of over) {
    const why = change.before && underWay.get(change.before.id);
    if (change.before && why) decided.skipped.push({ row: change.before, why });
    else decided.changes.push(change);
  }
  return decided;
}

/**
 * Returns which stored values of a row are invalid, as a sentence; null if all values are valid.
 */
function unfitIn(row: Row | null, place: string): string | null {
  const misfits = misfitsOf(row).map(({ message }) => message);
  return misfits.length === 0 ? null : `${misfits.join('; ')} ${place}`;
}

/** Returns why the refresh must not overwrite a row here, whatever its content, as a sentence; null if it may. */
function reasonToSkip(before: Row | null, state: RowState | undefined): string | null {
  if (state?.deleted_at) return 'deleted here';
  return before && state?.engineering_by ? `changed by the engineer ${state.engineering_by}` : null;
}

/**
 * Returns why a row here counts as pending, as a sentence; null if the row still has the content of its base.
 */
function reasonOfPending(
  entity: Entity,
  before: Row,
  state: RowState | undefined,
  stop: DestinationHashes | undefined,
): string | null {
  if (!stop?.base_hash) return 'not known to be the same row';
  return hashOf(entity, before) === stop.base_hash
    ? null
    : `changed here by ${state?.changed_by ?? OUTSIDE}`;
}

/**
 * Finds rows that a refresh wrote here without recording their new base, because the refresh was killed in between. For
 * such a row, the last write came from a refresh and replaced the content that is still recorded as the base, and
 * production once had the present content of the row.
 */
async function writtenUnrecorded(
  { here, source }: Sides,
  entity: Entity,
  rows: Row[],
  { stops, mappings }: Pick<PartPlan, 'stops' | 'mappings'>,
): Promise<Set<number>> {
  const writes = await lastWrites(
    here.sql,
    rows.map((row) => keyOf(entity, row)),
  );
  const hash = (row: Row) => hashOf(entity, withMappedNames(entity, row, mappings));
  const replacedBase = rows.filter((row) => {
    const text = keyText(keyOf(entity, row));
    const write = writes.get(text);
    const replaced = write?.before ? hash(write.before) : null;
    return write?.kind === 'refresh' && replaced === (stops.get(text)?.base_hash ?? null);
  });
  const ids = replacedBase.map(({ id }) => id);
  if (ids.length === 0) return new Set();
  const ever = await formerContents(source.sql, entity, ids);
  const own = replacedBase.filter((row) => ever.get(row.id)?.has(hash(row)) === true);
  return new Set(own.map(({ id }) => id));
}

/**
 * Finds rows of this environment whose content was sent to the destination but is not in production yet, or was undone
 * in production. These rows are in sync with the destination and have no pending changes, but a refresh must not
 * overwrite the sent content. A row that was edited in production after its content had arrived there is overwritten.
 * Returns the reason to skip each row, by id.
 */
async function sentOnwards({ here, there, source }: Sides, entity: Entity, changes: Change[]) {
  const found = new Map<number, string>();
  const standing = changes.filter(({ before }) => before !== null);
  if (there === source || standing.length === 0) return found;
  const ids = standing.map(({ before }) => (before as Row).id);
  const last = await latestArrivals(here.sql, entity.name, ids);
  const above = await latestArrivals(source.sql, entity.name, ids);
  const ever = await formerContents(source.sql, entity, ids);
  for (const { before } of standing) {
    const own = before as Row;
    const [line, theirs] = [last.get(own.id), above.get(own.id)];
    const wasAbove = ever.get(own.id)?.has(hashOf(entity, own)) === true;
    const isEditedSince = line && theirs?.kind === 'save' && line.at < theirs.at;
    if (line && line.kind !== 'refresh' && !(wasAbove && isEditedSince)) {
      const end = wasAbove ? 'undone in production' : 'not in production yet';
      const how =
        line.kind === 'takeover' ? `taken over from ${sourceText(here.name)}` : 'sent on from here';
      found.set(own.id, `${how} by ${line.person}, and ${end}`);
    }
  }
  return found;
}

function withOwnLocals(entity: Entity, row: Row, before: Row | null): Row {
  if (!hasLocalFields(entity)) return row;
  const after = { ...row };
  for (const [name, field] of fieldEntries(entity)) {
    if (field.local) after[name] = before ? (before[name] ?? null) : field.initial;
  }
  return after;
}
