// Starts the servers of a benchmark, among them two MySQL servers with durable commits and a binary log. Staging and
// production use the first MySQL server, pre-production the second, so that rows always travel between two servers.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildProcess } from 'node:child_process';
import { createConnection, type Connection } from 'mysql2/promise';
import { prepareCopies, prepareEnvironments } from '../../bin/databases.ts';
import { end } from '../../bin/programs.ts';
import { startMysql } from '../../bin/mysql-server.ts';
import { startServers } from '../../bin/servers.ts';
import type { App } from '../../src/environments/app.ts';
import { openWorld, type World } from '../../test/support/world.ts';

export type Server = { url: URL; ask: Connection };
export type Ground = {
  world: World;
  /** `lower`: the MySQL server of staging and production. `upper`: that of pre-production. */
  lower: Server;
  upper: Server;
  /** `folder`: the data of the servers. `backups`: the folder of the backups. */
  folder: string;
  backups: string;
  stop(): Promise<void>;
};

const PREFIX = 'bench';
export const databaseOf = ({ name }: App) => `${PREFIX}_${name}`;

const durable = (folder: string, id: number) => [
  '--innodb-flush-log-at-trx-commit=1',
  '--log-bin=bin',
  `--server-id=${id}`,
  '--innodb-buffer-pool-size=1G',
  '--max-binlog-size=128M',
  '--max-allowed-packet=64M',
  `--tmpdir=${resolve(folder)}`,
];

export async function openGround(): Promise<Ground> {
  const folder = `var/bench-${process.pid}`;
  const children: ChildProcess[] = [];
  try {
    return await openIn(folder, children);
  } catch (error) {
    await Promise.all(children.map(end));
    throw error;
  }
}

async function openIn(folder: string, children: ChildProcess[]): Promise<Ground> {
  const keep = (child: ChildProcess) => children.push(child);
  const first = await startMysql(join(folder, 'mysql'), keep, durable(folder, 1));
  // The passwords of all accounts are derived from the root password. Both servers get the same root password, so that
  // an account has the same password on both.
  mkdirSync(join(folder, 'mysql-2'), { recursive: true });
  copyFileSync(join(folder, 'mysql/password'), join(folder, 'mysql-2/password'));
  const second = await startMysql(join(folder, 'mysql-2'), keep, durable(folder, 2));
  const servers = await startServers(folder, { mysql: first }, (_step, work) => work());
  const there = await prepareEnvironments({ ...servers, mysql: second }, PREFIX, (environment) =>
    join(folder, environment),
  );
  const copies = await prepareCopies(servers, PREFIX);
  const backups = resolve(folder, 'backups/dev-backups');
  mkdirSync(backups, { recursive: true });
  const store = pathToFileURL(dirname(backups)).href;
  const world = await openWorld(
    PREFIX,
    (variables) => {
      lead(variables.preprod, there.preprod, 'SQL_DB_');
      lead(variables.staging, there.staging, 'UNI_DIR_DESTINATION_SQL_DB_');
      Object.assign(variables.staging, copies, { BACKUPS_URL: store });
      Object.assign(variables.production, { BACKUPS_URL: store, BACKUPS_CLIENT: PREFIX });
    },
    servers,
  );
  const [lower, upper] = [await open(first), await open(second)];
  return {
    world,
    lower,
    upper,
    folder,
    backups,
    stop: async () => {
      // The connections are destroyed instead of closed, because a statement may still be running on them.
      lower.ask.destroy();
      upper.ask.destroy();
      await Promise.all([...children.map(end), servers.stop()]);
      await world.close().catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function lead(from: Record<string, string>, to: Record<string, string>, prefix: string) {
  for (const name of [`${prefix}HOST`, `${prefix}PORT`]) from[name] = to[name] ?? '';
}

async function open(url: URL): Promise<Server> {
  const ask = await createConnection({ uri: url.href, charset: 'utf8mb4', dateStrings: true });
  return { url, ask };
}

const kept = new Set(['migration', 'clock', 'person', 'permission']);

/** Empties the databases of an environment quickly, but keeps its people and their permissions. */
export async function empty({ sql, documents }: App) {
  const on = await sql.getConnection();
  // While this check is on, MySQL does not truncate a table to which another table refers.
  await on.query('SET foreign_key_checks = 0');
  const [tables] = await on.query<never>(`SHOW FULL TABLES WHERE table_type = 'BASE TABLE'`);
  for (const name of (tables as object[]).map((line) => String(Object.values(line)[0]))) {
    if (!kept.has(name)) await on.query(`TRUNCATE \`${name}\``);
  }
  on.destroy();
  for (const { name } of await documents.listCollections().toArray()) {
    if (!name.startsWith('metadata') && !name.startsWith('system.')) {
      await documents.collection(name).deleteMany({});
    }
  }
}
