// Records, in the transaction that writes rows at a destination, the state of each row and the arrivals (the history of
// the rows).
import type { PoolConnection } from 'mysql2/promise';
import { differingFields } from '../catalog/content.ts';
import { keyText, labelOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { run, sql, toSqlInstant } from '../database/sql.ts';
import { insertRows } from '../database/bulk.ts';
import { isBeforePivot } from './documents.ts';
import type { Instants } from './instants.ts';
import type * as journal from './journal.ts';
import { readMappings } from '../state/name-mapping.ts';
import * as states from '../state/row-state.ts';
import { originsOf, statesOfUntouched } from '../state/untouched.ts';
import { isStoredDifferently } from './read-back.ts';
import type { Work } from './work.ts';
import { rootOf } from '../catalog/family.ts';

/**
 * Where the contents of rows before and after each step are copied from: the journal, if it is in
 * the same database as the rows (a write into this environment), otherwise the memory of the
 * worker.
 */
type Images = 'in the journal' | 'in the work';

export async function writeStatesAndArrivals(
  work: Work,
  connection: PoolConnection,
  instants: Instants,
  images: Images = imagesOf(work),
) {
  const { transfer, steps } = work;
  const instant = instants.start;
  const rootKeys = steps.flatMap(rootKeysOf);
  const was = await states.readStates(connection, [...steps, ...rootKeys], { lock: true });
  // A refresh writes no line for a row that has none: such a row is as production’s.
  const written =
    transfer.kind === 'refresh' ? steps.filter((step) => was.has(keyText(step))) : steps;
  const origins = await originsOf(connection, unrecorded(steps, was));
  const mappings = await readMappings(connection);
  const by = { person: transfer.person, instant, mappings };
  const isEngineering = transfer.kind === 'save' && transfer.role !== 'product_manager';
  const after = new Map<string, states.RowState>();
  for (const step of written) {
    const entity = entityNamed(step.entity);
    const row = (step.after ?? step.before) as Row;
    // A row that got a new id keeps its author, its mark of engineering’s change, and its hold.
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
    // When engineering changes a dependent row, its root is marked, too: a product manager sends the root, and must
    // see there that engineering changed something below it.
    const place = { sql: connection, documents: work.there.documents };
    const roots = await statesOfUntouched(place, unrecordedKeys(rootKeys, was, after), mappings);
    for (const [step, key] of steps.flatMap((one) =>
      rootKeysOf(one).map((root) => [one, root] as const),
    )) {
      const root = keyText(key);
      const state = after.get(root) ?? was.get(root) ?? roots.get(root);
      if (state && root !== keyText(step)) {
        const fields = changedLabels(entityNamed(step.entity), step).map(
          (label) => `${step.title}: ${label}`,
        );
        after.set(root, states.markedAsEngineering(state, { ...by, fields }));
      }
    }
  }
  await states.writeStates(connection, [...after.values()]);
  if (images === 'in the journal') {
    await copyArrivals(connection, work, instant);
  } else {
    const versions = new Map([...origins].map(([text, { version }]) => [text, version + 1]));
    for (const [text, { version }] of after) versions.set(text, version);
    await writeArrivals(work, connection, instant, versions);
  }
}

/** The keys of rows that exist and have no line. */
const unrecorded = (steps: journal.Step[], was: Map<string, states.RowState>): RowKey[] =>
  steps.flatMap(({ entity, id, formerId, before }) => {
    const key = { entity, id: formerId ?? id };
    return before !== null && !was.has(keyText(key)) ? [key] : [];
  });

const unrecordedKeys = (keys: RowKey[], ...known: Map<string, states.RowState>[]) =>
  keys.filter((key) => !known.some((one) => one.has(keyText(key))));

/**
 * If a row was stored differently than sent, its stored content is only in the memory of the
 * worker; the journal has the content that was sent.
 */
const imagesOf = ({ here, there, steps }: Work): Images =>
  here.name === there.name && !steps.some(isStoredDifferently) ? 'in the journal' : 'in the work';

/**
 * Returns the keys of the parent rows before and after a step: moving a dependent row to another
 * parent row changes the state of both parent rows.
 */
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
  versions: Map<string, number>,
) {
  const { transfer } = work;
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
      origin: transfer.origin,
      at: toSqlInstant(instant),
      chain: transfer.chain,
      before_image: step.before && JSON.stringify(step.before),
      version: versions.get(keyText(step)) ?? 1,
    };
  });
  await insertRows(connection, 'arrival', rows);
}

/** Records arrivals by copying the contents from the journal inside the database, instead of sending them again. */
function copyArrivals(
  connection: PoolConnection,
  { transfer, steps }: Work,
  instant: string,
): Promise<number> {
  const root = rootInJournal(steps);
  return run(
    connection,
    sql`insert into arrival (transfer, seq, entity, row_id, root_entity, root_id, title, action, kind,
          name, reason, person, origin, at, chain, before_image, version)
        select s.transfer, s.seq, s.entity, s.row_id, coalesce(r.root_entity, ${root.entity}),
               coalesce(r.root_id, ${root.id}), s.title, s.action,
               ${transfer.kind}, ${transfer.name}, ${transfer.reason}, ${transfer.person},
               ${transfer.origin}, ${toSqlInstant(instant)}, ${transfer.chain},
               s.before_image,
               coalesce(r.version, 1 + (select max(version) from arrival a
                                         where a.entity = s.entity and a.row_id = s.row_id), 1)
          from transfer_step s
          left join row_state r on r.entity = s.entity and r.row_id = s.row_id
         where s.transfer = ${transfer.id} and s.action <> 'same'
         order by s.seq`,
  );
}

/**
 * SQL for the root of a row that has no line, from its content in the journal. Only a refresh writes such rows, and
 * it writes those of one entity at a time.
 */
function rootInJournal([first]: journal.Step[]) {
  const entity = first && entityNamed(first.entity);
  const to = entity?.owner && entity.fields[entity.owner]?.to;
  return to
    ? {
        entity: sql`${to}`,
        id: sql`json_value(coalesce(s.after_image, s.before_image), ${`$.${entity.owner}`})`,
      }
    : { entity: sql`s.entity`, id: sql`s.row_id` };
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
