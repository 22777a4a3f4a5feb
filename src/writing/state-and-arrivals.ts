// Records, in the transaction that writes rows at a destination, the state of each row and the arrivals (the history of
// the rows).
import type { PoolConnection } from 'mysql2/promise';
import { differingFields } from '../catalog/content.ts';
import {
  keyText,
  labelOf,
  linkedNamesOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { toSqlInstant } from '../database/sql.ts';
import { insertRows } from '../database/bulk.ts';
import { isBeforePivot } from './documents.ts';
import type { Instants } from './instants.ts';
import type * as journal from './journal.ts';
import { notifyOfOwnWrite } from './write-notices.ts';
import { replaced, writeImages } from '../database/image-bundles.ts';
import { readMappings, type Mappings } from '../state/name-mapping.ts';
import * as states from '../state/row-state.ts';
import { originsOf, statesOfUntouched } from '../state/untouched.ts';
import type { Work } from './work.ts';
import { ownerOf, rootOf } from '../catalog/family.ts';

/** Locks and reads the recorded states of these rows and of their parent rows, by key text. */
export const lockStates = (connection: PoolConnection, steps: journal.Step[]) =>
  states.readStates(connection, [...steps, ...steps.flatMap(ownerKeysOf)], { lock: true });

/** Records the states and the history of written rows. `was`: what lockStates() returned before they were written. */
export async function writeStatesAndArrivals(
  work: Work,
  connection: PoolConnection,
  { instants, was }: { instants: Instants; was: Map<string, states.RowState> },
) {
  const { transfer, steps } = work;
  const instant = instants.start;
  // A row without an entry in the table `row_state` counts as unchanged since it came from production. This is true
  // after a refresh, which therefore adds no entry.
  const written =
    transfer.kind === 'refresh' ? steps.filter((step) => was.has(keyText(step))) : steps;
  const origins = await originsOf(connection, unrecorded(steps, was));
  const isEngineering = transfer.kind === 'save' && transfer.role !== 'product_manager';
  // Mappings are needed only for the hash of a row with links.
  const isLinked = ({ entity, before, after }: journal.Step) =>
    linkedNamesOf(entityNamed(entity), after ?? before).length > 0;
  const mappings: Mappings =
    isEngineering || steps.some(isLinked) ? await readMappings(connection) : new Map();
  const by = { person: transfer.person, instant, mappings };
  if (work.here.name === work.there.name)
    await notifyOfOwnWrite(connection, work, was, isEngineering);
  const after = new Map<string, states.RowState>();
  for (const step of written) {
    const entity = entityNamed(step.entity);
    const row = (step.after ?? step.before) as Row;
    // A row that got a new id keeps its author, its mark Not for production (hold), and its mark as changed by
    // engineering.
    const text = keyText({ entity: step.entity, id: step.formerId ?? step.id });
    const known = was.get(text) ?? origins.get(text);
    let state = states.stateAfter(entity, row, known, by);
    if (step.after === null) state.deleted_at = toSqlInstant(instants.of(step));
    if (transfer.kind !== 'save') state = states.unmarkedAsEngineering(state);
    if (isEngineering)
      state = states.markedAsEngineering(state, { ...by, fields: changedLabels(entity, step) });
    after.set(keyText(step), state);
  }
  if (isEngineering) {
    // When engineering changes a dependent row, its parent row is marked as changed by engineering, too. A product manager
    // sends the parent row, and must see that a row below it was changed.
    const place = { sql: connection, documents: work.there.documents };
    const owners = steps.flatMap((step) => ownerKeysOf(step).map((key) => ({ step, key })));
    const missing = unrecordedKeys(
      owners.map(({ key }) => key),
      was,
      after,
    );
    const untouched = await statesOfUntouched(place, missing, mappings);
    for (const { step, key } of owners) {
      const owner = keyText(key);
      const state = after.get(owner) ?? was.get(owner) ?? untouched.get(owner);
      if (!state) continue;
      const fields = changedLabels(entityNamed(step.entity), step).map(
        (label) => `${step.title}: ${label}`,
      );
      after.set(owner, states.markedAsEngineering(state, { ...by, fields }));
    }
  }
  await states.writeStates(connection, [...after.values()], was);
  const versions = new Map([...origins].map(([text, { version }]) => [text, version + 1]));
  for (const [text, { version }] of after) versions.set(text, version);
  await writeArrivals(work, connection, instant, versions);
}

/** The keys of rows that existed before this write and have no entry in the table `row_state`. */
const unrecorded = (steps: journal.Step[], was: Map<string, states.RowState>): RowKey[] =>
  steps.flatMap(({ entity, id, formerId, before }) => {
    const key = { entity, id: formerId ?? id };
    return before !== null && !was.has(keyText(key)) ? [key] : [];
  });

const unrecordedKeys = (keys: RowKey[], ...known: Map<string, states.RowState>[]) =>
  keys.filter((key) => !known.some((one) => one.has(keyText(key))));

/**
 * Returns the keys of the parent rows before and after a step: moving a dependent row to another
 * parent row changes the state of both parent rows.
 */
const ownerKeysOf = ({ entity, before, after }: journal.Step): RowKey[] =>
  [before, after].flatMap((row) => (row && ownerOf(entityNamed(entity), row)) ?? []);

const rootKey = (step: journal.Step) =>
  rootOf(entityNamed(step.entity), (step.after ?? step.before) as Row);

const changedLabels = (entity: Entity, step: journal.Step) =>
  differingFields(entity, step.before ?? {}, step.after ?? {}).map((name) => labelOf(entity, name));

async function writeArrivals(
  work: Work,
  connection: PoolConnection,
  instant: string,
  versions: Map<string, number>,
) {
  const { transfer } = work;
  const at = toSqlInstant(instant);
  const rows = work.steps.map((step) => {
    const root = rootKey(step);
    return {
      transfer: transfer.id,
      seq: step.seq,
      entity: step.entity,
      row_id: step.id,
      root_entity: root.entity,
      root_id: root.id,
      title: step.title.slice(0, 200),
      action: step.action,
      kind: transfer.kind,
      name: transfer.name,
      reason: transfer.reason,
      person: transfer.person,
      approved_by: transfer.approved_by,
      origin: transfer.origin,
      at,
      chain: transfer.chain,
      version: versions.get(keyText(step)) ?? 1,
    };
  });
  const images = work.steps.map(({ seq, before }) => [seq, before] as const);
  await writeImages(connection, transfer.id, [[replaced, images]], () =>
    insertRows(connection, 'arrival', rows),
  );
}

/**
 * Writes tombstones (records of a deletion) for new documents that a rollback removes. Apps may
 * have read these documents before, and learn from the tombstones that the documents are gone.
 */
export async function writeTombstones(
  connection: PoolConnection,
  work: Work,
  instants: Instants,
  foreign: journal.Step[],
) {
  const mappings = await readMappings(connection);
  const by = { person: work.transfer.person, instant: instants.end, mappings };
  const gone = work.steps.filter(
    (step) => isBeforePivot(step) && step.before === null && !foreign.includes(step),
  );
  const was = await states.readStates(connection, gone);
  await states.writeStates(
    connection,
    gone.map((step) => ({
      ...states.stateAfter(entityNamed(step.entity), step.after as Row, was.get(keyText(step)), by),
      deleted_at: toSqlInstant(instants.aheadOf(step) ? instants.of(step) : instants.end),
    })),
  );
}
