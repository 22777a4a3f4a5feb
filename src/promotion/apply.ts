// Inside the destination: one transaction for the rows, with the documents written just before its COMMIT,
// and the way back for what did not get there.
import type { PoolConnection } from 'mysql2/promise';
import { differingFields, isSameRow } from '../catalog/content.ts';
import { fieldEntries, keyText, labelOf, type Entity, type Row } from '../catalog/entity.ts';
import type { Link } from '../catalog/fields.ts';
import { entityNamed, rootOf } from '../catalog/index.ts';
import { first, fromSqlInstant, run, sql, toSqlInstant, transaction } from '../database/sql.ts';
import { batches } from '../environments/batches.ts';
import * as mongo from '../environments/mongo-rows.ts';
import * as mysql from '../environments/mysql-rows.ts';
import { idsByName } from '../environments/names.ts';
import { byEntity, read } from '../environments/row-store.ts';
import * as claims from './claims.ts';
import * as journal from './journal.ts';
import { readMappings } from './mappings.ts';
import { inWritingOrder } from './order.ts';
import { point } from './points.ts';
import * as states from './row-states.ts';
import { hasArrived, isExplained, Moved, type Work } from './write.ts';

type StoredByKey = Map<string, mongo.Stored>;
const isDocument = (step: journal.Step) => entityNamed(step.entity).store === 'mongo';
const isBeforePivot = (step: journal.Step) => isDocument(step) && step.action !== 'remove';

export async function apply(work: Work, connection: PoolConnection) {
  const { transfer, there } = work;
  await connection.query('START TRANSACTION');
  await claims.lock(connection, transfer);
  await point('lock');
  const place = { sql: connection, documents: there.documents };
  const last = await lockClock(connection);
  const rowSteps = work.steps.filter((step) => !isDocument(step));
  const rows = await read(place, rowSteps, { lock: true });
  const stored = await readStored(work);
  for (const step of work.steps) {
    const now = isDocument(step) ? documentRow(step, stored) : (rows.get(keyText(step)) ?? null);
    if (!isExplained(step, now)) throw new Moved(`${step.title} was changed there meanwhile.`);
  }
  await point('re-check');
  const instant = laterThan(
    last,
    [...rows.values()].map((row) => row.modified_at),
    stored,
  );
  await writeRows(connection, inWritingOrder(rowSteps), rows, instant);
  await point('rows');
  await writeStatesAndArrivals(work, connection, instant);
  await point('arrivals');
  const end = await writeDocuments(work, stored, instant);
  await setClock(connection, end);
  await point('before commit');
  await connection.query('COMMIT');
  await point('after commit');
}

/** The line every writer of an environment queues on; held until COMMIT, so instants and commits come in one order. */
async function lockClock(connection: PoolConnection): Promise<string> {
  const clock = await first<{ instant: string }>(
    connection,
    sql`select instant from clock where name = 'clock' for update`,
  );
  if (!clock) throw new Error('The clock line is missing: run the migrations');
  return fromSqlInstant(clock.instant);
}

const setClock = (connection: PoolConnection, instant: string) =>
  run(connection, sql`update clock set instant = ${toSqlInstant(instant)} where name = 'clock'`);

/** Later than now, than the clock, and than every instant on what is written. */
function laterThan(clock: string, rows: string[], stored: StoredByKey): string {
  const documents = [...stored.values()].map((one) =>
    Math.max(one.modified_at?.getTime() ?? 0, one.removed_at?.getTime() ?? 0),
  );
  const before = [clock, ...rows].map((instant) => Date.parse(instant) + 1);
  return new Date(
    Math.max(Date.now(), ...before, ...documents.map((instant) => instant + 1)),
  ).toISOString();
}

const next = (instant: string) => new Date(Date.parse(instant) + 1).toISOString();

async function readStored(work: Work): Promise<StoredByKey> {
  const found: StoredByKey = new Map();
  for (const [entity, ids] of byEntity(work.steps.filter(isDocument))) {
    for (const [id, one] of await mongo.readStored(work.there.documents, entity, ids)) {
      found.set(keyText({ entity: entity.name, id }), one);
    }
  }
  return found;
}

const documentRow = (step: journal.Step, stored: StoredByKey) =>
  mongo.rowIn(entityNamed(step.entity), stored.get(keyText(step)));

async function writeRows(
  connection: PoolConnection,
  steps: journal.WrittenStep[],
  now: Map<string, Row>,
  instant: string,
) {
  // Steps come in writing order; an entity's steps stand together, removals after what replaces them.
  const entities = [...new Set(steps.map((step) => step.entity))].map(entityNamed);
  let ids: mysql.LinkIds | undefined;
  for (const entity of entities) {
    const own = steps.filter((step) => step.entity === entity.name);
    const after = own.flatMap((step) => (step.after ? [step.after] : []));
    if (hasLinks(entity)) ids ??= await linkIds(connection, steps);
    const linked = ids ?? { city: new Map(), partner: new Map() };
    const isThere = (row: Row) => now.has(keyText({ entity: entity.name, id: row.id }));
    const created = after.filter((row) => !isThere(row));
    const updated = after.filter(isThere);
    const removed = own.filter((step) => step.after === null).map((step) => step.id);
    // What goes makes room for a unique name that comes.
    if (removed.length > 0) await mysql.remove(connection, entity, removed);
    if (updated.length > 0) await mysql.update(connection, entity, updated, instant, linked);
    if (created.length > 0) await mysql.insert(connection, entity, created, instant, linked);
  }
}

const hasLinks = (entity: Entity) => fieldEntries(entity).some(([, field]) => field.through);

/** Ids of every linked city and partner; read after the cities that this same plan creates were written. */
async function linkIds(connection: PoolConnection, steps: journal.Step[]): Promise<mysql.LinkIds> {
  const links = steps.flatMap((step) =>
    fieldEntries(entityNamed(step.entity)).flatMap(([field, { through }]) =>
      through ? ((step.after?.[field] ?? []) as Link[]) : [],
    ),
  );
  return {
    city: await idsByName(
      connection,
      'city',
      links.map(({ city }) => city),
    ),
    partner: await idsByName(
      connection,
      'partner',
      links.flatMap(({ partner }) => partner ?? []),
    ),
  };
}

async function writeStatesAndArrivals(work: Work, connection: PoolConnection, instant: string) {
  const { transfer, steps } = work;
  const rootKeys = steps.flatMap(rootKeysOf);
  const was = await states.readStates(connection, [...steps, ...rootKeys], { lock: true });
  const mappings = await readMappings(connection);
  const by = { person: transfer.person, instant, mappings };
  const isEngineering = transfer.kind === 'save' && transfer.role !== 'product_manager';
  const after = new Map<string, states.RowState>();
  for (const step of steps) {
    const entity = entityNamed(step.entity);
    const row = (step.after ?? step.before) as Row;
    let state = states.stateAfter(entity, row, was.get(keyText(step)), by);
    if (step.after === null) state.deleted_at = toSqlInstant(instant);
    if (transfer.kind !== 'save') state = states.unmarked(state);
    if (isEngineering) state = states.marked(state, { ...by, fields: changedLabels(entity, step) });
    after.set(keyText(step), state);
  }
  if (isEngineering) {
    // A dependent's mark is its owner's too: the owner is what a product manager sends.
    for (const [step, key] of steps.flatMap((one) =>
      rootKeysOf(one).map((root) => [one, root] as const),
    )) {
      const root = keyText(key);
      const state = after.get(root) ?? was.get(root);
      if (state && root !== keyText(step)) {
        const fields = changedLabels(entityNamed(step.entity), step).map(
          (label) => `${step.title}: ${label}`,
        );
        after.set(root, states.marked(state, { ...by, fields }));
      }
    }
  }
  await states.writeStates(connection, [...after.values()]);
  await writeArrivals(work, connection, instant, after);
}

/** Owners before and after: a dependent that moves changes both. */
const rootKeysOf = ({ entity, before, after }: journal.Step) =>
  [before, after].flatMap((row) => (row ? [rootOf(entityNamed(entity), row)] : []));

const rootKey = (step: journal.Step) =>
  rootOf(entityNamed(step.entity), (step.after ?? step.before) as Row);

const changedLabels = (entity: Entity, step: journal.Step) =>
  differingFields(entity, step.before ?? {}, step.after ?? {}).map((name) => labelOf(entity, name));

async function writeArrivals(
  work: Work,
  connection: PoolConnection,
  instant: string,
  after: Map<string, states.RowState>,
) {
  const { transfer } = work;
  const lines = work.steps.map((step) => {
    const root = rootKey(step);
    return [
      ...[transfer.id, step.seq, step.entity, step.id, root.entity, root.id],
      ...[step.title.slice(0, 200), step.action, transfer.kind, transfer.name, transfer.reason],
      ...[transfer.person, transfer.origin, toSqlInstant(instant), transfer.chain],
      ...[step.before && JSON.stringify(step.before), step.after && JSON.stringify(step.after)],
      after.get(keyText(step))?.version ?? 1,
    ];
  });
  for (const batch of batches(lines)) {
    await run(
      connection,
      sql`insert into arrival (transfer, seq, entity, row_id, root_entity, root_id, title, action, kind,
            name, reason, person, origin, at, chain, before_image, after_image, version)
          values ${batch}`,
    );
  }
}

/**
 * Each new or changed document by compare-and-set, with an instant of its own; also those that a former
 * attempt has written already. Answers the last instant given out.
 */
async function writeDocuments(work: Work, stored: StoredByKey, rowInstant: string) {
  let instant = rowInstant;
  for (const step of inWritingOrder(work.steps.filter(isBeforePivot))) {
    instant = next(instant);
    const entity = entityNamed(step.entity);
    await compareAndSet(
      work,
      step,
      stored.get(keyText(step)),
      mongo.toStored(entity, step.after as Row, instant, stampOf(work)),
    );
    await point('document');
  }
  return instant;
}

const stampOf = ({ transfer }: Work): mongo.Stamp => ({
  transfer: transfer.id,
  fence: transfer.fence,
});

async function compareAndSet(
  work: Work,
  step: journal.Step,
  seen: mongo.Stored | undefined,
  next: mongo.Stored,
) {
  const { transfer, there } = work;
  if (seen?.stamp?.transfer === transfer.id && seen.stamp.fence > transfer.fence) {
    throw new journal.Stale(`Transfer ${transfer.number} is in other hands`);
  }
  const entity = entityNamed(step.entity);
  const isDone = await mongo.replace(there.documents, entity, seen, {
    ...mongo.unknownFields(entity, seen),
    ...next,
  });
  if (!isDone) throw new Moved(`${step.title} was changed there meanwhile.`);
}

/** What was never there, and was seen for a moment by who reads documents: they are told that it is gone. */
async function writeTombstones(connection: PoolConnection, work: Work, instant: string) {
  const by = { person: work.transfer.person, instant, mappings: await readMappings(connection) };
  const gone = work.steps.filter((step) => isBeforePivot(step) && step.before === null);
  const was = await states.readStates(connection, gone);
  await states.writeStates(
    connection,
    gone.map((step) => ({
      ...states.stateAfter(entityNamed(step.entity), step.after as Row, was.get(keyText(step)), by),
      deleted_at: toSqlInstant(instant),
    })),
  );
}

/** After the pivot: documents that go become stubs. One that someone changed is left, and the line says so. */
export async function removeDocuments(work: Work) {
  const removals = work.steps.filter((step) => isDocument(step) && step.action === 'remove');
  if (removals.length === 0) return;
  await transaction(work.there.writers, async (connection) => {
    await claims.lock(connection, work.transfer);
    let instant = await lockClock(connection);
    const stored = await readStored(work);
    instant = laterThan(instant, [], stored);
    // Owners after what stands under them.
    for (const step of inWritingOrder(removals).toReversed()) {
      const seen = stored.get(keyText(step));
      const entity = entityNamed(step.entity);
      if (seen && isSameRow(entity, mongo.rowIn(entity, seen), step.before)) {
        instant = next(instant);
        await compareAndSet(work, step, seen, mongo.stub(step.id, instant, stampOf(work)));
      }
      await point('removal');
    }
    await setClock(connection, instant);
  });
}

/**
 * Undoes a write that did not reach its pivot. Every document is stamped, also one that was not touched, so
 * that a worker that wakes up late finds a higher fence. Answers false when someone else's value is in the way.
 */
export async function putBack(work: Work, why?: string): Promise<boolean> {
  const { here, there, transfer } = work;
  return transaction(there.writers, async (connection) => {
    await claims.lock(connection, transfer);
    let instant = await lockClock(connection);
    if (await hasArrived(connection, transfer)) {
      throw new Error(`Transfer ${transfer.number} has arrived and cannot be put back`);
    }
    const because = why === undefined ? {} : { problem: why };
    await journal.move(here.sql, transfer, ['applying', 'putting_back'], 'putting_back', because);
    await point('put-back state');
    const stored = await readStored(work);
    const steps = work.steps.filter(isBeforePivot);
    const foreign = steps.find((step) => !isExplained(step, documentRow(step, stored)));
    if (foreign) {
      const problem = `${foreign.title} was changed there by someone else while it was being put back.`;
      await journal.move(here.sql, transfer, ['putting_back'], 'needs_attention', { problem });
      return false;
    }
    instant = laterThan(instant, [], stored);
    for (const step of inWritingOrder(steps)) {
      instant = next(instant);
      const before = step.before
        ? mongo.toStored(entityNamed(step.entity), step.before, instant, stampOf(work))
        : mongo.stub(step.id, instant, stampOf(work));
      await compareAndSet(work, step, stored.get(keyText(step)), before);
      await point('put-back document');
    }
    await writeTombstones(connection, work, instant);
    await setClock(connection, instant);
    await connection.query('COMMIT');
    await journal.move(here.sql, transfer, ['putting_back'], 'put_back');
    return true;
  });
}
