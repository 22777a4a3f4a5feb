// Transfers rows between two servers with the statements that the guarantees of a transfer need, sent by a program that
// only hashes the rows of both sides and checks nothing. It shows how fast a transfer with these statements could be at
// best.
import { hash } from 'node:crypto';
import { createPool, type Pool } from 'mysql2/promise';
import { insertRows, updateFromLines } from '../../src/database/bulk.ts';
import {
  afterSteps,
  beforeSteps,
  replaced,
  writeImages,
} from '../../src/database/image-bundles.ts';
import {
  join,
  name,
  run,
  select,
  sql,
  Statement,
  transaction,
  type Queryable,
} from '../../src/database/sql.ts';
import type { Server } from './ground.ts';
import { HASH, peerTable, type Task } from './peers.ts';

export type BareTransfer = { here: Pool; there: Pool; stop(): Promise<void> };

/** The name of the databases, on both servers, in which the bare statements write. */
export const BARE = 'peer_bare';

const tables = {
  here: ['order_receipt', 'transfer_step', 'step_image_bundle', 'row_state', 'destination_state'],
  there: ['order_receipt', 'claim', 'row_state', 'arrival', 'image_bundle'],
};

/** Creates the tables of the bare statements on both servers, like those of the environments `like`. */
export async function openBareTransfer(
  servers: Record<'here' | 'there', Server>,
  like: Record<'here' | 'there', string>,
): Promise<BareTransfer> {
  const open = async (side: 'here' | 'there') => {
    const { ask, url } = servers[side];
    await peerTable(servers[side], BARE, like[side]);
    for (const table of tables[side]) {
      await ask.query('CREATE TABLE IF NOT EXISTS ??.?? LIKE ??.??', [
        BARE,
        table,
        like[side],
        table,
      ]);
    }
    const uri = Object.assign(new URL(url), { pathname: `/${BARE}` }).href;
    return createPool({ uri, dateStrings: true });
  };
  const [here, there] = [await open('here'), await open('there')];
  return { here, there, stop: async () => void (await Promise.all([here.end(), there.end()])) };
}

/** SQL for the hash of a task. */
export const hashInSql = new Statement(HASH, []);

const hashes = (on: Queryable, ids: number[], end = sql``) =>
  select(
    on,
    sql`select id, modified_at, ${hashInSql} as hash from task where id in (${ids})${end}`,
  );

/** Reads what the plan of a transfer compares on each side: the rows, and which receipts belong to them. */
async function rowsOfPlan(on: Pool): Promise<Task[]> {
  const rows = await select<Task>(on, sql`select * from task order by id`);
  await select(
    on,
    sql`select * from order_receipt where task_id in (${rows.map((row) => row.id)})`,
  );
  return rows;
}

/** Reads who changed the rows of a plan, and whether each row was tested or held back. */
const statesOfPlan = (on: Pool, ids: number[]) =>
  select(on, sql`select * from row_state where entity = 'task' and row_id in (${ids})`);

/** Reads what the rows of a plan had in common with the destination. */
const destinationStates = (on: Pool, ids: number[]) =>
  select(on, sql`select * from destination_state where entity = 'task' and row_id in (${ids})`);

/** The hash of each row without its timestamp, by id. */
const contentHashes = (rows: Task[]): Map<number, string> =>
  new Map(
    rows.map(({ id, modified_at: _at, ...row }) => [id, hash('sha256', JSON.stringify(row))]),
  );

/** Transfers all rows that both tables `task` have. Each row is sent once, and none is compared. */
export async function transferBare({ here, there }: BareTransfer) {
  const id = `bare-${Date.now()}`;
  const [mine, theirs] = await Promise.all([here, there].map(rowsOfPlan));
  const rows = mine ?? [];
  const ids = rows.map((row) => row.id);
  await Promise.all([
    statesOfPlan(here, ids),
    statesOfPlan(there, ids),
    destinationStates(here, ids),
  ]);
  const at = '2026-01-01 00:00:00.000';
  const before = (theirs ?? []).map((row, index) => [index + 1, row] as const);
  const key = ({ id: row_id }: Task) => ({ entity: 'task', row_id });
  const [sent, former] = [rows, theirs ?? []].map(contentHashes);
  const differing = rows.filter(({ id: row }) => sent?.get(row) !== former?.get(row));
  if (differing.length !== rows.length) throw new Error('A row has nothing to transfer');
  const named = (row: Task) => ({
    ...key(row),
    root_entity: 'task',
    root_id: row.id,
    title: row.title.slice(0, 200),
  });
  const by = { person: 'pm@example.com', origin: 'staging' };
  await transaction(here, async (connection) => {
    const after = rows.map((row, index) => [index + 1, row] as const);
    await writeImages(connection, id, [
      [beforeSteps, before],
      [afterSteps, after],
    ]);
    const steps = rows.map((row, index) => ({
      transfer: id,
      seq: index + 1,
      ...key(row),
      title: row.title.slice(0, 200),
      action: 'update',
    }));
    await insertRows(connection, 'transfer_step', steps);
  });
  const claim = { transfer: id, mode: 'write', number: 1, fence: 1, connection: 1, ...by };
  await insertRows(
    there,
    'claim',
    rows.map((row) => ({ ...key(row), ...claim, since: at })),
  );
  await hashes(there, ids);
  await transaction(there, async (connection) => {
    await hashes(connection, ids, sql` for update`);
    await select(
      connection,
      sql`select * from row_state where entity = 'task' and row_id in (${ids}) for update`,
    );
    const head = sql`update task target join (`;
    const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'modified_at');
    const written = columns.map((column) => sql`target.${name(column)} = given.${name(column)}`);
    const end = sql`) given on given.id = target.id set ${join(written, ', ')}, target.modified_at = ${at}`;
    const lines = rows.map((row) => columns.map((column) => row[column as keyof Task]));
    await updateFromLines(connection, { head, columns, end }, lines);
    const states = rows.map((row) => ({
      ...named(row),
      hash: sent?.get(row.id) ?? null,
      version: 1,
      created_by: by.person,
      created_at: at,
      changed_by: by.person,
      changed_at: at,
    }));
    const newer = sql`on duplicate key update hash = values(hash), version = version + 1, changed_at = values(changed_at)`;
    await insertRows(connection, 'row_state', states, newer);
    const arrivals = rows.map((row, index) => ({
      transfer: id,
      seq: index + 1,
      ...named(row),
      action: 'update',
      kind: 'transfer',
      name: 'Bare',
      ...by,
      at,
      chain: '[]',
      version: 1,
    }));
    await insertRows(connection, 'arrival', arrivals);
    await writeImages(connection, id, [[replaced, before]]);
    await hashes(connection, ids);
  });
  await hashes(there, ids);
  const observed = (row: Task) => {
    const now = sent?.get(row.id) ?? null;
    return { observed_hash: now, observed_at: at, base_hash: now, base_at: at };
  };
  const newest = sql`on duplicate key update observed_hash = values(observed_hash), base_hash = values(base_hash)`;
  await insertRows(
    here,
    'destination_state',
    rows.map((row) => ({ ...key(row), ...observed(row) })),
    newest,
  );
  await run(there, sql`delete from claim where transfer = ${id}`);
}
