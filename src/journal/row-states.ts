// What an environment knows of each of its rows, and of the row's counterpart at the destination.
import { hashOf } from '../catalog/content.ts';
import { keyText, titleOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { rootOf } from '../catalog/index.ts';
import { batches } from '../environments/batches.ts';
import {
  join,
  run,
  select,
  sql,
  toSqlInstant,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { inTheirWords, type Mappings } from './mappings.ts';

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

export type StopState = {
  entity: string;
  row_id: number;
  seen_hash: string | null;
  seen_at: string;
  base_hash: string | null;
  base_content: string | null;
  base_at: string | null;
  /** The content that was undone there, or `deleted`; it asks before it goes again. */
  undone_hash: string | null;
  undone_by: string | null;
  undone_at: string | null;
  undone_reason: string | null;
};

/** Stands for content where a deletion is meant. */
export const DELETED = 'deleted';

/** Lines of these rows; by entity, because a long list of pairs is compared one by one. */
export const ofRows = (keys: RowKey[]): Statement =>
  keys.length === 0
    ? sql`false`
    : join(
        [...Map.groupBy(keys, ({ entity }) => entity)].map(
          ([entity, own]) => sql`(entity = ${entity} and row_id in (${own.map(({ id }) => id)}))`,
        ),
        ' or ',
      );
const byKey = <T extends { entity: string; row_id: number }>(lines: T[]) =>
  new Map(lines.map((line) => [keyText({ entity: line.entity, id: line.row_id }), line]));

export async function readStates(
  on: Queryable,
  keys: RowKey[],
  { lock = false } = {},
): Promise<Map<string, RowState>> {
  if (keys.length === 0) return new Map();
  const end = lock ? sql` for update` : sql``;
  return byKey(
    await select<RowState>(
      on,
      sql`select * from row_state where ${ofRows(keys)} order by entity, row_id${end}`,
    ),
  );
}

export async function readStops(on: Queryable, keys: RowKey[]): Promise<Map<string, StopState>> {
  if (keys.length === 0) return new Map();
  return byKey(await select<StopState>(on, sql`select * from stop_state where ${ofRows(keys)}`));
}

/** Who writes, and whether as a product manager: anyone else's save marks the row as engineering's. */
export type Author = { email: string; isProductManager: boolean };

/** The state of a row after it was written. */
export function stateAfter(
  entity: Entity,
  row: Row,
  was: RowState | undefined,
  by: { person: string; instant: string; mappings: Mappings },
): RowState {
  const root = rootOf(entity, row);
  return {
    entity: entity.name,
    row_id: row.id,
    root_entity: root.entity,
    root_id: root.id,
    title: titleOf(entity, row).slice(0, 200),
    hash: hashOf(entity, inTheirWords(entity, row, by.mappings)),
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

/** Marks a row as engineering's; an earlier adoption lapses. */
export function marked(
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

/** Takes the mark away: the content is a product manager's now. */
export const unmarked = (state: RowState): RowState => ({
  ...state,
  engineering_by: null,
  engineering_at: null,
  engineering_fields: null,
});

export async function writeStates(on: Queryable, states: RowState[]) {
  for (const batch of batches(states)) {
    const values = batch.map((state) => [
      ...[state.entity, state.row_id, state.root_entity, state.root_id, state.title, state.hash],
      ...[state.version, state.created_by, state.created_at, state.changed_by, state.changed_at],
      ...[state.engineering_by, state.engineering_at, state.engineering_fields],
      ...[state.adopted_by, state.adopted_at],
      ...[state.held_by, state.held_at, state.held_reason, state.deleted_at],
    ]);
    await run(
      on,
      sql`insert into row_state (
            entity, row_id, root_entity, root_id, title, hash,
            version, created_by, created_at, changed_by, changed_at,
            engineering_by, engineering_at, engineering_fields,
            adopted_by, adopted_at, held_by, held_at, held_reason, deleted_at)
          values ${values}
          on duplicate key update
            root_entity = values(root_entity), root_id = values(root_id),
            title = values(title), hash = values(hash), version = values(version),
            changed_by = values(changed_by), changed_at = values(changed_at),
            engineering_by = values(engineering_by), engineering_at = values(engineering_at),
            engineering_fields = values(engineering_fields),
            adopted_by = values(adopted_by), adopted_at = values(adopted_at),
            held_by = values(held_by), held_at = values(held_at), held_reason = values(held_reason),
            deleted_at = values(deleted_at)`,
    );
  }
}

/**
 * What was seen at the destination. `base` where both sides were found equal: the content, or `none` where
 * the row is gone there and what was equal once says nothing any more.
 */
export type Seen = {
  key: RowKey;
  seen: string | null;
  base: { hash: string; content: string } | 'none' | null;
};

/**
 * Writes what was seen at `at`. What someone else saw later stays, unless `isCertain`: what a transfer has
 * just written is no matter of clocks.
 */
export async function writeSeen(
  on: Queryable,
  seen: Seen[],
  at: string,
  { isCertain } = { isCertain: false },
) {
  const isNewer = isCertain ? sql`true` : sql`values(seen_at) >= seen_at`;
  for (const batch of batches(seen)) {
    const values = batch.map(({ key, seen, base }) => {
      const known = base === 'none' ? null : base;
      return [
        ...[key.entity, key.id, seen, toSqlInstant(at)],
        ...[known?.hash ?? null, known?.content ?? null, known ? toSqlInstant(at) : null],
      ];
    });
    await run(
      on,
      sql`insert into stop_state (entity, row_id, seen_hash, seen_at, base_hash, base_content, base_at)
          values ${values}
          on duplicate key update
            seen_hash = if(${isNewer}, values(seen_hash), seen_hash),
            base_at = if(${isNewer} and values(base_hash) is not null, values(base_at), base_at),
            base_content =
              if(${isNewer} and values(base_hash) is not null, values(base_content), base_content),
            base_hash =
              if(${isNewer} and values(base_hash) is not null, values(base_hash), base_hash),
            seen_at = if(${isNewer}, values(seen_at), seen_at)`,
    );
  }
  const baseless = seen.filter(({ base }) => base === 'none').map(({ key }) => key);
  if (baseless.length > 0) {
    await run(
      on,
      sql`update stop_state set base_hash = null, base_content = null, base_at = null
           where ${ofRows(baseless)}`,
    );
  }
}

export type Undone = { key: RowKey; hash: string };

/** Marks contents as undone there. */
export async function writeUndone(
  on: Queryable,
  undone: Undone[],
  by: { person: string; reason: string | null },
) {
  const now = toSqlInstant(new Date().toISOString());
  for (const batch of batches(undone)) {
    const values = batch.map(({ key, hash }) => [
      ...[key.entity, key.id, now, hash, by.person, now, by.reason],
    ]);
    await run(
      on,
      sql`insert into stop_state
            (entity, row_id, seen_at, undone_hash, undone_by, undone_at, undone_reason)
          values ${values}
          on duplicate key update
            undone_hash = values(undone_hash), undone_by = values(undone_by),
            undone_at = values(undone_at), undone_reason = values(undone_reason)`,
    );
  }
}

/** Takes the marks away where that very content was written. */
export async function clearUndone(on: Queryable, written: Undone[]) {
  const keys = written.map(({ key }) => key);
  if (keys.length === 0) return;
  const marked = await select<{ entity: string; row_id: number; undone_hash: string }>(
    on,
    sql`select entity, row_id, undone_hash from stop_state
         where undone_hash is not null and (${ofRows(keys)})`,
  );
  const hashes = new Map(written.map(({ key, hash }) => [keyText(key), hash]));
  const lifted = marked
    .map(({ entity, row_id: id, undone_hash: hash }) => ({ key: { entity, id }, hash }))
    .filter(({ key, hash }) => hashes.get(keyText(key)) === hash);
  if (lifted.length === 0) return;
  await run(
    on,
    sql`update stop_state
           set undone_hash = null, undone_by = null, undone_at = null, undone_reason = null
         where ${ofRows(lifted.map(({ key }) => key))}`,
  );
}
