// Runs peers: programs and statements that people would use instead of Oneway. Each peer works on separate tables.
import { spawn } from 'node:child_process';
import type { Connection } from 'mysql2/promise';
import { aptInstall } from '../../bin/programs.ts';
import type { Server } from './ground.ts';

/** The columns of a task, as every peer and every bare statement reads them. */
export type Task = Record<'title' | 'message' | 'modified_at', string> &
  Record<'id' | 'business_id' | 'form_id' | 'priority' | 'active', number>;

/** SQL for the hash of a task. Null values are replaced, because MySQL computes no hash of a text that contains null. */
export const HASH = `SHA2(CONCAT('"title":', JSON_QUOTE(title), '"message":',
  COALESCE(JSON_QUOTE(message), 'null'), business_id, COALESCE(form_id, 'null'), priority, active), 256)`;

export type Table = { server: Server; database: string; name: string };

export function installPeers() {
  if (process.env['BENCH_SKIP_INSTALL'] !== 'true') aptInstall(['percona-toolkit', 'zstd']);
}

/** Creates an empty table for a peer, with the columns of the tasks in the database `like`, in a separate database. */
export async function peerTable(server: Server, database: string, like: string): Promise<Table> {
  await server.ask.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [database]);
  await server.ask.query('DROP TABLE IF EXISTS ??.task', [database]);
  await server.ask.query(`CREATE TABLE ??.task LIKE ??.task`, [database, like]);
  return { server, database, name: 'task' };
}

/** Copies rows in the fastest possible way: with INSERT … SELECT within one server. */
export const insideServer = (ask: Connection, from: string, to: string) =>
  ask.query(
    `INSERT INTO ??.task SELECT * FROM ??.task
     ON DUPLICATE KEY UPDATE title = VALUES(title), message = VALUES(message),
       business_id = VALUES(business_id), form_id = VALUES(form_id), priority = VALUES(priority),
       active = VALUES(active), modified_at = VALUES(modified_at)`,
    [to, from],
  );

/**
 * Copies rows within one server, with the least work that gives the guarantees of Oneway: the rows, a history entry for
 * each row, and digests of both tables, which prove that the rows are equal. A peer without these guarantees needs only
 * the rows.
 */
export async function provenInsideServer(ask: Connection, from: string, to: string) {
  await ask.query('CREATE TABLE IF NOT EXISTS ??.arrival LIKE ??.arrival', [to, from]);
  await insideServer(ask, from, to);
  await ask.query(
    `INSERT INTO ??.arrival (transfer, seq, entity, row_id, root_entity, root_id, title, action,
       kind, name, person, origin, at, chain, version)
     SELECT CONCAT(?, id DIV 4000), id, 'task', id, 'task', id, LEFT(title, 200), 'create',
       'refresh', 'Refresh: tasks', 'refresh', 'production', UTC_TIMESTAMP(3), '[]', 1
       FROM ??.task`,
    [to, `${Date.now()}-`, from],
  );
  for (const database of [from, to]) {
    await ask.query(
      `SELECT id DIV 1000, SHA2(GROUP_CONCAT(${HASH} ORDER BY id), 256)
         FROM ??.task GROUP BY id DIV 1000`,
      [database],
    );
  }
}

/**
 * Copies rows within one server with the least work that the guarantees of a transfer need, each part as one statement:
 * a record for each row, a claim (lock) on the range of all ids, the rows, their sync state and a history entry for each
 * in both databases, and digests of both tables. No program reads, compares or encodes a row, and the former contents,
 * which an undo needs, are not stored.
 */
export async function transferredInsideServer(ask: Connection, from: string, to: string) {
  for (const table of ['transfer_step', 'claim', 'row_state', 'destination_state']) {
    await ask.query('CREATE TABLE IF NOT EXISTS ??.?? LIKE ??.??', [to, table, from, table]);
  }
  const transfer = `bench-${Date.now()}`;
  await ask.query(
    `INSERT INTO ??.transfer_step (transfer, seq, entity, row_id, title, action)
     SELECT ?, id, 'task', id, LEFT(title, 200), 'update' FROM ??.task`,
    [to, transfer, from],
  );
  await ask.query(
    `INSERT INTO ??.claim (entity, row_id, last_id, transfer, mode, number, origin, fence, connection, person, since)
     SELECT 'task', MIN(id), MAX(id), ?, 'write', 1, 'staging', 1, 1, 'pm@example.com', UTC_TIMESTAMP(3) FROM ??.task`,
    [to, transfer, from],
  );
  await ask.query(
    `INSERT INTO ??.row_state (entity, row_id, root_entity, root_id, title, hash, version,
       created_by, created_at, changed_by, changed_at)
     SELECT 'task', id, 'task', id, LEFT(title, 200), SHA2(title, 256), 1,
       'pm@example.com', UTC_TIMESTAMP(3), 'pm@example.com', UTC_TIMESTAMP(3) FROM ??.task
     ON DUPLICATE KEY UPDATE hash = VALUES(hash), changed_at = VALUES(changed_at)`,
    [to, from],
  );
  await provenInsideServer(ask, from, to);
  await ask.query(
    `INSERT INTO ??.destination_state (entity, row_id, observed_hash, observed_at, base_hash, base_at)
     SELECT 'task', id, SHA2(title, 256), UTC_TIMESTAMP(3), SHA2(title, 256), UTC_TIMESTAMP(3) FROM ??.task
     ON DUPLICATE KEY UPDATE observed_hash = VALUES(observed_hash), base_hash = VALUES(base_hash)`,
    [to, from],
  );
  await ask.query('DELETE FROM ??.claim WHERE transfer = ?', [to, transfer]);
}

/** Copies a table with `mariadb-dump --replace | mariadb`. */
export const dump = (from: Table, to: Table) =>
  shell(
    `mariadb-dump --no-defaults ${login(from.server)} --single-transaction --replace --no-create-info ` +
      `--default-character-set=utf8mb4 ${from.database} ${from.name} | ` +
      `mariadb --no-defaults ${login(to.server)} --default-character-set=utf8mb4 ${to.database}`,
    from.server,
  );

/** Makes table `to` equal to table `from` with pt-table-sync. With `--print` it only returns the SQL statements. */
export const sync = (from: Table, to: Table, action: '--execute' | '--print' = '--execute') =>
  shell(
    `pt-table-sync ${action} --no-check-slave --charset utf8mb4 ${dsn(from)} ${dsn(to)}`,
    from.server,
    // Exit code 2 of pt-table-sync means that it found differences.
    [0, 2],
  );

export const login = ({ url }: Server) => `-h ${url.hostname} -P ${url.port} -u ${url.username}`;
const dsn = ({ server: { url }, database, name }: Table) =>
  `h=${url.hostname},P=${url.port},u=${url.username},p=${url.password},D=${database},t=${name}`;

export function shell(line: string, { url }: Server, expected = [0]): Promise<string> {
  const env = { ...process.env, MYSQL_PWD: url.password, LC_ALL: 'C.UTF-8' };
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { env });
  let said = '';
  let wrong = '';
  child.stdout.on('data', (part: Buffer) => (said += part.toString()));
  child.stderr.on('data', (part: Buffer) => (wrong += part.toString()));
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code !== null && expected.includes(code)) resolve(said);
      else reject(new Error(`${line.split(' ')[0]} ended with ${code}: ${wrong.slice(0, 2000)}`));
    });
  });
}
