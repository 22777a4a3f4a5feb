// Transfers rows between two servers with the statements that the guarantees of a transfer need, sent by a program that
// plans, checks and compares nothing. It shows how fast a transfer with these statements could be at best.
import { createPool, type Pool } from 'mysql2/promise';
import { insertRows, updateFromLines } from '../../src/database/bulk.ts';
import {
  afterSteps,
  beforeSteps,
  replaced,
  writeImages,
} from '../../src/database/image-bundles.ts';
import {
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
  here: ['transfer_step', 'step_image_bundle', 'destination_state'],
  there: ['claim', 'row_state', 'arrival', 'image_bundle'],
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
export const hash = new Statement(HASH, []);

const hashes = (on: Queryable, ids: number[], end = sql``) =>
  select(on, sql`select id, modified_at, ${hash} as hash from task where id in (${ids})${end}`);

/** Transfers all rows that both tables `task` have. Each row is sent once, and none is compared. */
export async function transferBare({ here, there }: BareTransfer) {
  const id = `bare-${Date.now()}`;
  const [mine, theirs] = await Promise.all(
    [here, there].map((on) => select<Task>(on, sql`select * from task order by id`)),
  );
  const rows = mine ?? [];
  const ids = rows.map((row) => row.id);
  const at = '2026-01-01 00:00:00.000';
  const before = (theirs ?? []).map((row, index) => [index + 1, row] as const);
  const key = ({ id: row_id }: Task) => ({ entity: 'task', row_id });
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
    const end = sql`) given on given.id = target.id set target.message = given.message, target.modified_at = ${at}`;
    const lines = rows.map((row) => [row.id, row.message]);
    await updateFromLines(connection, { head, columns: ['id', 'message'], end }, lines);
    const states = rows.map((row) => ({
      ...named(row),
      hash: 'a'.repeat(64),
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
  const hash = 'a'.repeat(64);
  const observed = { observed_hash: hash, observed_at: at, base_hash: hash, base_at: at };
  const newest = sql`on duplicate key update observed_hash = values(observed_hash), base_hash = values(base_hash)`;
  await insertRows(
    here,
    'destination_state',
    rows.map((row) => ({ ...key(row), ...observed })),
    newest,
  );
  await run(there, sql`delete from claim where transfer = ${id}`);
}
