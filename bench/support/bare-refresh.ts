// Refreshes a table between two servers with the statements that the guarantees of a refresh need, sent by a program that
// checks no row: it shows how fast a refresh with these statements could be at best.
import { insertRows } from '../../src/database/bulk.ts';
import { replaced, writeImages } from '../../src/database/image-bundles.ts';
import { isAmong } from '../../src/database/ranges.ts';
import { ahead } from '../../src/database/read-ahead.ts';
import { select, sql, transaction, type Queryable } from '../../src/database/sql.ts';
import { hashInSql, overwrite, type BareTransfer } from './bare-transfer.ts';
import type { Task } from './peers.ts';

/** A refresh of Oneway writes as many rows together. */
const PART = 4000;

async function* partsOf(source: Queryable): AsyncGenerator<Task[]> {
  for (let last = 0; ;) {
    const rows = await select<Task>(
      source,
      sql`select * from task where id > ${last} order by id limit ${PART}`,
    );
    const end = rows.at(-1);
    if (!end) return;
    last = end.id;
    yield rows;
  }
}

/** Overwrites rows, and adds a line of history and the former content of each. */
async function writePart({ there }: BareTransfer, part: string, rows: Task[]) {
  const ids = rows.map(({ id }) => id);
  const at = '2026-01-01 00:00:00.000';
  await transaction(there, async (connection) => {
    const before = await select<Task>(
      connection,
      sql`select * from task where ${isAmong(sql`id`, ids)} order by id for update`,
    );
    await overwrite(connection, rows);
    const arrivals = rows.map((row, index) => ({
      transfer: part,
      seq: index + 1,
      entity: 'task',
      row_id: row.id,
      root_entity: 'task',
      root_id: row.id,
      title: row.title.slice(0, 200),
      action: 'update',
      kind: 'refresh',
      name: 'Refresh: tasks',
      person: 'refresh',
      origin: 'production',
      at,
      chain: '[]',
      version: 1,
    }));
    await insertRows(connection, 'arrival', arrivals);
    await writeImages(connection, part, [
      [replaced, before.map((row, index) => [index + 1, row] as const)],
    ]);
  });
}

/** Overwrites every row, and computes the digests of both tables, which prove that they are equal. */
export async function rewriteBare(source: Queryable, bare: BareTransfer) {
  let number = 0;
  for await (const rows of ahead(partsOf(source))) {
    number += 1;
    await writePart(bare, `${Date.now()}-${number}`, rows);
  }
  const digests = (on: Queryable) =>
    select(
      on,
      sql`select id div 1000, sha2(group_concat(${hashInSql} order by id), 256) from task group by id div 1000`,
    );
  await Promise.all([digests(source), digests(bare.there)]);
}

/**
 * Finds the rows that differ by their hashes, because every 1,000 ids have some, overwrites them, and reads their hashes
 * again.
 */
export async function refreshChangedBare(source: Queryable, bare: BareTransfer) {
  const hashes = (on: Queryable, which = sql``) =>
    select<{ id: number; hash: string }>(
      on,
      sql`select id, ${hashInSql} as hash from task ${which}`,
    );
  const [theirs, mine] = await Promise.all([hashes(source), hashes(bare.there)]);
  const known = new Map(mine.map((one) => [one.id, one.hash]));
  const ids = theirs.filter((one) => known.get(one.id) !== one.hash).map(({ id }) => id);
  const differing = isAmong(sql`id`, ids);
  const rows = await select<Task>(source, sql`select * from task where ${differing}`);
  await writePart(bare, `${Date.now()}`, rows);
  await hashes(bare.there, sql`where ${differing}`);
  return ids.length;
}
