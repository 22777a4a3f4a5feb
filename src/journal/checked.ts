// Up to where the books were found to be right: digests of what stood on both sides then. As long as the same
// stands there, and nobody wrote books, nothing of that stretch need be read again.
import { hash } from 'node:crypto';
import type { Pool, PoolConnection } from 'mysql2/promise';
import type { RowKey } from '../catalog/entity.ts';
import { insertLines } from '../database/bulk.ts';
import { run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import { stretchOf, type Line } from '../environments/digests.ts';
import { putSeen, type Certainty, type Seen } from './stop-states.ts';

export type Sides = { here: Line[]; there: Line[] };
/** Of a stretch that was never checked: generation 0 and no digest. */
export type Checked = { generation: number; digest: string | null };

export const digestOf = ({ here, there }: Sides) =>
  hash('sha256', `${here.join('\n')}\n\n${there.join('\n')}`);

export async function readChecked(on: Queryable, entity: string, first: number, last: number) {
  const lines = await select<Checked & { stretch: number }>(
    on,
    sql`select stretch, generation, digest from checked
         where entity = ${entity} and stretch between ${first} and ${last}`,
  );
  return new Map(lines.map((line) => [line.stretch, line]));
}

/** What stood on both sides when the books of these stretches were right, where that is known. */
export async function readSides(on: Queryable, entity: string, stretches: number[]) {
  if (stretches.length === 0) return new Map<number, Sides>();
  const lines = await select<{ stretch: number; here_lines: string; there_lines: string }>(
    on,
    sql`select stretch, here_lines, there_lines from checked
         where entity = ${entity} and stretch in (${stretches}) and digest is not null`,
  );
  const split = (text: string) => (text === '' ? [] : text.split('\n'));
  return new Map(
    lines.map(({ stretch, here_lines: here, there_lines: there }) => [
      stretch,
      { here: split(here), there: split(there) },
    ]),
  );
}

/** A stretch whose books are right for these lines, unless they were written since its generation was read. */
export type Right = Sides & { stretch: number; generation: number };

/** Writes what was seen, and with it the lines for which the books are right from then on. */
export async function writeChecked(
  pool: Pool,
  entity: string,
  checked: Right[],
  { seen, at }: { seen: Seen[]; at: string },
) {
  await transaction(pool, async (connection) => {
    await insertLines(
      connection,
      sql`insert into checked (entity, stretch, generation, digest, here_lines, there_lines) values`,
      checked.map((one) => [
        ...[entity, one.stretch, one.generation, digestOf(one)],
        ...[one.here.join('\n'), one.there.join('\n')],
      ]),
      sql`on duplicate key update
            digest = if(generation = values(generation), values(digest), null),
            here_lines = if(generation = values(generation), values(here_lines), null),
            there_lines = if(generation = values(generation), values(there_lines), null)`,
    );
    await putSeen(connection, seen, at);
  });
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
    sql`on duplicate key update generation = generation + 1, digest = null, here_lines = null, there_lines = null`,
  );
}

/** Names are mapped otherwise from now on: nothing that was checked holds. */
export const forgetAll = (on: Queryable) =>
  run(
    on,
    sql`update checked set generation = generation + 1, digest = null, here_lines = null, there_lines = null`,
  );
