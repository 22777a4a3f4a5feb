// Up to where the books were found to be right: digests of what stood on both sides then. As long as the same
// stands there, and nobody wrote books, nothing of that stretch need be read again.
import { hash } from 'node:crypto';
import type { Pool, PoolConnection } from 'mysql2/promise';
import type { RowKey } from '../catalog/entity.ts';
import { insertLines } from '../database/bulk.ts';
import {
  join,
  run,
  select,
  sql,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { Lines, sideBySide, STRETCH, stretchOf, type Line } from '../rows/digests.ts';
import { putSeen, type Certainty, type Seen } from './destination-state.ts';

export type Sides = { here: Lines; there: Lines };
/** Of a stretch that was never checked: generation 0 and no digest. */
export type Checked = { generation: number; digest: string | null };

/** Of both sides, in order of id. */
export const digestOf = ({ here, there }: Sides) =>
  hash('sha256', `${here.all.join('\n')}\n\n${there.all.join('\n')}`);

export async function readChecked(on: Queryable, entity: string, first: number, last: number) {
  const lines = await select<Checked & { stretch: number }>(
    on,
    sql`select stretch, generation, digest from checked
         where entity = ${entity} and stretch between ${first} and ${last}`,
  );
  return new Map(lines.map((line) => [line.stretch, line]));
}

/** `since`: ids whose lines are kept apart, because they moved after the others were written. */
export type Known = Sides & { since: Set<number> };

/** What stood on both sides when the books of these stretches were right, where that is known. */
export async function readSides(on: Queryable, entity: string, stretches: number[]) {
  if (stretches.length === 0) return new Map<number, Known>();
  const lines = await select<{
    stretch: number;
    here_lines: string;
    there_lines: string;
    changes: string | null;
  }>(
    on,
    sql`select stretch, here_lines, there_lines, changes from checked
         where entity = ${entity} and stretch in (${stretches})
           and digest is not null and here_lines is not null`,
  );
  return new Map(
    lines.map(({ stretch, here_lines: here, there_lines: there, changes }) => [
      stretch,
      withChanges({ here: split(here), there: split(there) }, changes),
    ]),
  );
}

const split = (text: string) => Lines.from(text === '' ? [] : text.split('\n'));

type Changes = { ids: number[]; here: Line[]; there: Line[] };

function withChanges({ here, there }: Sides, text: string | null): Known {
  if (text === null) return { here, there, since: new Set() };
  const changes = JSON.parse(text) as Changes;
  const since = new Set(changes.ids);
  const merged = (lines: Lines, changed: Line[]) => {
    const made = new Lines();
    const add = (id: number, line: Line | undefined) => line && made.add(id, line);
    sideBySide(lines, Lines.from(changed), (id, old, now) => add(id, since.has(id) ? now : old));
    return made;
  };
  return { here: merged(here, changes.here), there: merged(there, changes.there), since };
}

/**
 * Lines of a stretch for which the books are right, unless they were written since its generation was read. Only those
 * `since` are new; null when all are.
 */
export type Right = Sides & { stretch: number; generation: number; since: Set<number> | null };

/** So many changed lines are kept apart before all are written again. */
const APART = 200;

/**
 * Writes what was seen, and with it the lines for which the books are right from then on. Where somebody wrote books
 * meanwhile, what was seen is only news, and older than theirs.
 */
export async function writeChecked(
  pool: Pool,
  entity: string,
  checked: Right[],
  { seen, at }: { seen: Seen[]; at: string },
) {
  await transaction(pool, async (connection) => {
    const standing = await lockStanding(connection, entity, checked);
    const isStanding = ({ stretch }: { stretch: number }) => standing.has(stretch);
    const apart = checked.filter((one) => isStanding(one) && isApart(one));
    const whole = checked.filter((one) => isStanding(one) && !isApart(one));
    await insertLines(
      connection,
      sql`insert into checked (entity, stretch, digest, here_lines, there_lines) values`,
      whole.map((one) => [
        ...[entity, one.stretch, digestOf(one)],
        ...[one.here.all.join('\n'), one.there.all.join('\n')],
      ]),
      sql`on duplicate key update
            digest = values(digest), here_lines = values(here_lines),
            there_lines = values(there_lines), changes = null`,
    );
    // The long texts are not touched for the sake of a few.
    await insertLines(
      connection,
      sql`insert into checked (entity, stretch, digest, changes) values`,
      apart.map((one) => [entity, one.stretch, digestOf(one), changesIn(one)]),
      sql`on duplicate key update digest = values(digest), changes = values(changes)`,
    );
    const [ours, others] = [true, false].map((wanted) =>
      seen.filter(({ key }) => standing.has(stretchOf(key.id)) === wanted),
    );
    await putSeen(connection, ours ?? [], at, { isCertain: true });
    await writeSeen(connection, others ?? [], at);
  });
}

const isApart = ({ since }: Right) => since !== null && since.size <= APART;

/** Locks these stretches, in their order; answers those that are as they were when their generation was read. */
async function lockStanding(connection: PoolConnection, entity: string, checked: Right[]) {
  const stretches = checked.map(({ stretch }) => stretch).toSorted((one, other) => one - other);
  await insertLines(
    connection,
    sql`insert into checked (entity, stretch) values`,
    stretches.map((stretch) => [entity, stretch]),
    sql`on duplicate key update generation = generation`,
  );
  const lines = await select<{ stretch: number; generation: number }>(
    connection,
    sql`select stretch, generation from checked
         where entity = ${entity} and stretch in (${stretches})`,
  );
  const now = new Map(lines.map(({ stretch, generation }) => [stretch, generation]));
  return new Set(
    checked
      .filter(({ stretch, generation }) => now.get(stretch) === generation)
      .map(({ stretch }) => stretch),
  );
}

function changesIn({ here, there, since }: Right): string {
  const changed = ({ ids, all }: Lines) =>
    all.filter((_line, index) => since?.has(ids[index] ?? 0));
  const changes: Changes = { ids: [...(since ?? [])], here: changed(here), there: changed(there) };
  return JSON.stringify(changes);
}

/** Writes what was seen of rows at the destination, whoever saw it. */
export async function writeSeen(on: Queryable, seen: Seen[], at: string, certainty?: Certainty) {
  if (seen.length === 0) return;
  const write = async (connection: PoolConnection) => {
    await forget(
      connection,
      seen.map(({ key }) => key),
    );
    await putSeen(connection, seen, at, certainty);
  };
  await ('getConnection' in on ? transaction(on, write) : write(on));
}

/** Books of these rows are written by somebody: in the same transaction, before them. */
async function forget(connection: PoolConnection, keys: RowKey[]) {
  const stretches = new Map(
    keys.map(({ entity, id }) => [`${entity} ${stretchOf(id)}`, [entity, stretchOf(id)] as const]),
  );
  // In one order, so that two who write the books of many wait for each other and do not lock each other out.
  const sorted = [...stretches.values()].toSorted(([one, low], [other, high]) =>
    one === other ? low - high : one < other ? -1 : 1,
  );
  await insertLines(
    connection,
    sql`insert into checked (entity, stretch, generation) values`,
    sorted.map(([entity, stretch]) => [entity, stretch, 1]),
    sql`on duplicate key update generation = generation + 1, digest = null`,
  );
}

/** Lines of the books about rows in these stretches, a condition each. */
export const rowsIn = (stretches: number[]): Statement[] =>
  stretches.map((one) => sql`row_id between ${one * STRETCH} and ${(one + 1) * STRETCH - 1}`);

/** Ids in these stretches that the books know as standing, here or there. */
export async function idsInBooks(on: Queryable, entity: string, stretches: number[]) {
  if (stretches.length === 0) return [];
  const within = join(rowsIn(stretches), ' or ');
  const lines = await select<{ id: number }>(
    on,
    sql`select row_id as id from row_state
         where entity = ${entity} and (${within}) and deleted_at is null
         union
        select row_id from stop_state
         where entity = ${entity} and (${within}) and seen_hash is not null`,
  );
  return lines.map(({ id }) => id);
}

/** Names are mapped otherwise from now on: nothing that was checked holds. */
export const forgetAll = (on: Queryable) =>
  run(on, sql`update checked set generation = generation + 1, digest = null`);
