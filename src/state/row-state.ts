// What an environment records about its own rows, in the table `row_state`. A row that came with a refresh and has not
// been written since has no entry (see untouched.ts).
import { hashOf } from '../catalog/content.ts';
import { keyText, titleOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { upsertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { isAmong } from '../database/ranges.ts';
import {
  join,
  run,
  select,
  sql,
  toSqlInstant,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { withMappedNames, type Mappings } from './name-mapping.ts';
import { rootOf } from '../catalog/family.ts';

/** Returns the key of the row that an entry of the sync state or of the history is about. */
export const keyOfLine = ({ entity, row_id: id }: { entity: string; row_id: number }): RowKey => ({
  entity,
  id,
});

export type RowState = {
  entity: string;
  row_id: number;
  root_entity: string;
  root_id: number;
  title: string;
  hash: string;
  version: number;
  created_by: string;
  created_at: string;
  changed_by: string;
  changed_at: string;
  engineering_by: string | null;
  engineering_at: string | null;
  /** JSON: labels of the fields that engineering changed. */
  engineering_fields: string | null;
  adopted_by: string | null;
  adopted_at: string | null;
  held_by: string | null;
  held_at: string | null;
  held_reason: string | null;
  deleted_at: string | null;
};

/**
 * Returns an SQL condition that selects these rows. Ids are grouped by entity, because MySQL would
 * check a long list of (entity, id) pairs one by one.
 */
export const whereRows = (keys: RowKey[]): Statement =>
  keys.length === 0
    ? sql`false`
    : sql`(${join(
        [...Map.groupBy(keys, ({ entity }) => entity)].map(
          ([entity, own]) =>
            sql`(entity = ${entity} and ${isAmong(
              sql`row_id`,
              own.map(({ id }) => id),
            )})`,
        ),
        ' or ',
      )})`;

export function indexByKey<T extends { entity: string; row_id: number }>(lines: T[]) {
  const found = new Map<string, T>();
  for (const line of lines) found.set(keyText(keyOfLine(line)), line);
  return found;
}

export async function readStates(
  on: Queryable,
  keys: RowKey[],
  { lock = false } = {},
): Promise<Map<string, RowState>> {
  if (keys.length === 0) return new Map();
  const end = lock ? sql` for update` : sql``;
  return indexByKey(
    await select<RowState>(
      on,
      sql`select * from row_state where ${whereRows(keys)} order by entity, row_id${end}`,
    ),
  );
}

/** Who changed each row last, by key text. Rows that have no entry in `row_state` are not in the map. */
export type Authors = Map<string, string>;

export async function lastChangedBy(on: Queryable, keys: RowKey[]): Promise<Authors> {
  if (keys.length === 0) return new Map();
  const lines = await select<Pick<RowState, 'entity' | 'row_id' | 'changed_by'>>(
    on,
    sql`select entity, row_id, changed_by from row_state where ${whereRows(keys)}`,
  );
  return new Map(lines.map((line) => [keyText(keyOfLine(line)), line.changed_by]));
}

/** Reads the entries of these topmost parent rows and of their dependent rows. */
export const familiesOf = async (on: Queryable, roots: RowKey[]): Promise<RowState[]> =>
  roots.length === 0
    ? []
    : select<RowState>(
        on,
        sql`select * from row_state
             where (root_entity, root_id) in (${roots.map(({ entity, id }) => [entity, id])})`,
      );

/**
 * The person who saves a row. If this person is not a product manager, the save marks the row as
 * changed by engineering.
 */
export type Author = { email: string; isProductManager: boolean };

/**
 * Returns the state to record for a row that was just written. `was`: the recorded state of the row
 * before the write.
 */
export function stateAfter(
  entity: Entity,
  row: Row,
  was: Partial<RowState> | undefined,
  by: { person: string; instant: string; mappings: Mappings },
): RowState {
  const root = rootOf(entity, row);
  return {
    entity: entity.name,
    row_id: row.id,
    root_entity: root.entity,
    root_id: root.id,
    title: titleOf(entity, row).slice(0, 200),
    hash: hashOf(entity, withMappedNames(entity, row, by.mappings)),
    version: (was?.version ?? 0) + 1,
    created_by: was?.created_by ?? by.person,
    created_at: was?.created_at ?? toSqlInstant(by.instant),
    changed_by: by.person,
    changed_at: toSqlInstant(by.instant),
    engineering_by: was?.engineering_by ?? null,
    engineering_at: was?.engineering_at ?? null,
    engineering_fields: was?.engineering_fields ?? null,
    adopted_by: was?.adopted_by ?? null,
    adopted_at: was?.adopted_at ?? null,
    held_by: was?.held_by ?? null,
    held_at: was?.held_at ?? null,
    held_reason: was?.held_reason ?? null,
    deleted_at: null,
  };
}

/**
 * Returns the state of a row with the mark that engineering changed the row. The mark cancels an
 * earlier adoption of the row by a product manager.
 */
export function markedAsEngineering(
  state: RowState,
  by: { person: string; instant: string; fields: string[] },
): RowState {
  const before = JSON.parse(state.engineering_fields ?? '[]') as string[];
  return {
    ...state,
    engineering_by: by.person,
    engineering_at: toSqlInstant(by.instant),
    engineering_fields: JSON.stringify([...new Set([...before, ...by.fields])]),
    adopted_by: null,
    adopted_at: null,
  };
}

/**
 * Returns the state of a row without the mark that engineering changed the row. Transfers, undos and refreshes remove
 * this mark; a save does not.
 */
export const unmarkedAsEngineering = (state: RowState): RowState => ({
  ...state,
  engineering_by: null,
  engineering_at: null,
  engineering_fields: null,
});

/**
 * Writes states. `was`: the same states as they are stored, if the caller has locked and read them. Then columns that
 * were and stay empty in all of them are not written.
 */
export async function writeStates(
  on: Queryable,
  states: RowState[],
  was?: ReadonlyMap<string, RowState>,
) {
  forgetCached();
  const former = states.flatMap((state) => was?.get(keyText(keyOfLine(state))) ?? []);
  const all = [...states, ...former];
  const isEmpty = (column: keyof RowState) => all.every((state) => state[column] === null);
  const empty = new Set<string>(was ? nullableColumns.filter(isEmpty) : []);
  const columns = Object.keys(states[0] ?? {}).filter((column) => !empty.has(column));
  await upsertRows(on, 'row_state', ['entity', 'row_id'], states, columns);
}

const nullableColumns = [
  'engineering_by',
  'engineering_at',
  'engineering_fields',
  'adopted_by',
  'adopted_at',
  'held_by',
  'held_at',
  'held_reason',
  'deleted_at',
] as const satisfies (keyof RowState)[];

/** Runs an SQL statement that changes the table `row_state`; returns how many rows it matched. */
export function updateStates(on: Queryable, statement: Statement): Promise<number> {
  forgetCached();
  return run(on, statement);
}

/** Replaces recorded hashes, except hashes that another process has changed meanwhile. */
export async function correctHashes(
  on: Queryable,
  changes: { key: RowKey; from: string; to: string }[],
) {
  const lines = await readStates(
    on,
    changes.map(({ key }) => key),
  );
  for (const { key, from, to } of changes) {
    if (lines.get(keyText(key))?.hash !== from) continue;
    await updateStates(
      on,
      sql`update row_state set hash = ${to}
           where entity = ${key.entity} and row_id = ${key.id} and hash = ${from}`,
    );
  }
}
