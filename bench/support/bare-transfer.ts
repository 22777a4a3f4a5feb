// Transfers rows between two servers with the statements that the guarantees of a transfer need, sent by a program that
// only hashes the rows of both sides and checks nothing. It shows how fast a transfer with these statements could be at
// best.
import { hash } from 'node:crypto';
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise';
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
import { isAmong, rangesOf } from '../../src/database/ranges.ts';
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
    sql`select id, modified_at, ${hashInSql} as hash from task where ${isAmong(sql`id`, ids)}${end}`,
  );

/** Reads what the plan of a transfer compares on each side: the rows, and which receipts belong to them. */
async function rowsOfPlan(on: Pool): Promise<Task[]> {
  const rows = await select<Task>(on, sql`select * from task order by id`);
  const ids = rows.map((row) => row.id);
  await select(on, sql`select * from order_receipt where ${isAmong(sql`task_id`, ids)}`);
  return rows;
}

const isTaskOf = (ids: number[]) => sql`entity = 'task' and ${isAmong(sql`row_id`, ids)}`;

/** Reads who changed the rows of a plan, and whether each row was tested or held back. */
const statesOfPlan = (on: Pool, ids: number[]) =>
  select(on, sql`select * from row_state where ${isTaskOf(ids)}`);

/** Reads what the rows of a plan had in common with the destination. */
const destinationStates = (on: Pool, ids: number[]) =>
  select(on, sql`select * from destination_state where ${isTaskOf(ids)}`);

/** The hash of each row without its timestamp, by id. */
const contentHashes = (rows: Task[]): Map<number, string> =>
  new Map(
    rows.map(({ id, modified_at: _at, ...row }) => [id, hash('sha256', JSON.stringify(row))]),
  );

type BarePlan = { rows: Task[]; former: Task[]; ids: number[]; sent: Map<number, string> };

/** Reads and hashes all rows that both tables `task` have, which a sheet and a click both do. All of them must differ. */
export async function planBare({ here, there }: BareTransfer): Promise<BarePlan> {
  const [rows, former] = await Promise.all([rowsOfPlan(here), rowsOfPlan(there)]);
  const ids = rows.map((row) => row.id);
  await Promise.all([
    statesOfPlan(here, ids),
    statesOfPlan(there, ids),
    destinationStates(here, ids),
  ]);
  const [sent, replacedHashes] = [contentHashes(rows), contentHashes(former)];
  const hasEqual = ids.some((id) => sent.get(id) === replacedHashes.get(id));
  if (hasEqual) throw new Error('A row has nothing to transfer');
  return { rows, former, ids, sent };
}

/** Plans and transfers all rows that both tables `task` have. */
export async function transferBare(bare: BareTransfer) {
  const { here, there } = bare;
  const id = `bare-${Date.now()}`;
  const plan = await planBare(bare);
  await transaction(here, (connection) => record(connection, id, plan));
  const claim = { transfer: id, mode: 'write', number: 1, fence: 1, connection: 1, ...BY };
  await insertRows(
    there,
    'claim',
    rangesOf(plan.ids).map(([row_id, last_id]) => ({
      entity: 'task',
      row_id,
      last_id,
      ...claim,
      since: AT,
    })),
  );
  await transaction(there, (connection) => write(connection, id, plan));
  await hashes(there, plan.ids);
  await observe(here, plan);
  await run(there, sql`delete from claim where transfer = ${id}`);
}

const AT = '2026-01-01 00:00:00.000';
const BY = { person: 'pm@example.com', origin: 'staging' };

/** Overwrites every column of the rows. */
export async function overwrite(connection: PoolConnection, rows: Task[]) {
  const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'modified_at');
  const written = columns.map((column) => sql`target.${name(column)} = given.${name(column)}`);
  const set = sql`${join(written, ', ')}, target.modified_at = ${AT}`;
  const lines = rows.map((row) => columns.map((column) => row[column as keyof Task]));
  await updateFromLines(connection, { table: 'task', columns, set }, lines);
}

const keyOf = ({ id: row_id }: Task) => ({ entity: 'task', row_id });

const named = (row: Task) => ({
  ...keyOf(row),
  root_entity: 'task',
  root_id: row.id,
  title: row.title.slice(0, 200),
});

const images = (rows: Task[]) => rows.map((row, index) => [index + 1, row] as const);

/** Records each row before and after the transfer in the journal of the sending environment. */
async function record(connection: PoolConnection, transfer: string, { rows, former }: BarePlan) {
  const steps = rows.map((row, index) => ({
    transfer,
    seq: index + 1,
    ...keyOf(row),
    title: row.title.slice(0, 200),
    action: 'update',
  }));
  const stored = [[beforeSteps, images(former)] as const, [afterSteps, images(rows)] as const];
  await writeImages(connection, transfer, stored, () =>
    insertRows(connection, 'transfer_step', steps),
  );
}

/** Locks, proves and writes the rows, and records their state and their history. */
async function write(connection: PoolConnection, transfer: string, plan: BarePlan) {
  const { rows, former, ids, sent } = plan;
  await hashes(connection, ids, sql` for update`);
  await select(connection, sql`select * from row_state where ${isTaskOf(ids)} for update`);
  await overwrite(connection, rows);
  const states = rows.map((row) => ({
    ...named(row),
    hash: sent.get(row.id) ?? null,
    version: 1,
    created_by: BY.person,
    created_at: AT,
    changed_by: BY.person,
    changed_at: AT,
  }));
  const newer = sql`on duplicate key update hash = values(hash), version = version + 1, changed_at = values(changed_at)`;
  await insertRows(connection, 'row_state', states, newer);
  const common = { action: 'update', kind: 'transfer', name: 'Bare', ...BY, at: AT, chain: '[]' };
  const arrivals = rows.map((row, index) => ({
    transfer,
    seq: index + 1,
    ...named(row),
    ...common,
    version: 1,
  }));
  await writeImages(connection, transfer, [[replaced, images(former)]], () =>
    insertRows(connection, 'arrival', arrivals),
  );
  await hashes(connection, ids);
}

/** Records in the sending environment what the destination has now, and what both sides have in common. */
async function observe(here: Pool, { rows, sent }: BarePlan) {
  const observed = rows.map((row) => {
    const now = sent.get(row.id) ?? null;
    const both = { observed_hash: now, observed_at: AT, base_hash: now, base_at: AT };
    return { ...keyOf(row), ...both };
  });
  const newest = sql`on duplicate key update observed_hash = values(observed_hash), base_hash = values(base_hash)`;
  await insertRows(here, 'destination_state', observed, newest);
}
