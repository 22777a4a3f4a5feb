// Starts private database servers for the demo and the tests, on free ports, with data and passwords below one folder.
// Other servers on the machine are not affected.
import { spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import { createClient } from 'redis';
import { sqlProgram, startMysql } from './mysql-server.ts';
import {
  answering,
  aptInstall,
  CannotStart,
  end,
  freePort,
  installed,
  password,
  run,
  type Keep,
} from './programs.ts';

/**
 * The URLs of the database servers, each with an administrator account:
 * `mysql://root:…@127.0.0.1:3307`, `mongodb://…`, `redis://…`.
 */
export type Addresses = { mysql: URL; mongo: URL; redis: URL };
export type Servers = Addresses & { stop(): Promise<void> };
type Announce = <T>(step: string, work: () => Promise<T>) => Promise<T>;

const SECANTUS = 'secantusdb==0.7.0b3';
/**
 * Starts the database servers that `given` does not contain. Data and logs are stored below
 * `folder`.
 */
export async function startServers(
  folder: string,
  given: Partial<Addresses>,
  announce: Announce,
): Promise<Servers> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const children: ChildProcess[] = [];
  const keep = (child: ChildProcess) => children.push(child);
  const stop = async () => {
    await Promise.all(children.map(end));
  };
  try {
    if (!given.mysql || !given.redis) await announce('MariaDB and Redis programs', installPrograms);
    const mysql =
      given.mysql ??
      (await announce('MySQL server', () => startMysql(join(folder, 'mysql'), keep)));
    const mongo =
      given.mongo ??
      (await announce('MongoDB server', () => startMongo(join(folder, 'mongo'), keep)));
    const redis =
      given.redis ??
      (await announce('Redis server', () => startRedis(join(folder, 'redis'), keep)));
    return { mysql, mongo, redis, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function installPrograms() {
  const missing = [
    ...(sqlProgram() ? [] : ['mariadb-server']),
    ...(installed('redis-server') ? [] : ['redis-server']),
  ];
  if (missing.length > 0) aptInstall(missing);
}

export async function startMongo(folder: string, keep: Keep): Promise<URL> {
  const data = join(resolve(folder), 'data');
  const secret = password(folder);
  const isMongod = installed('mongod');
  const program = isMongod ? 'mongod' : await secantus();
  const open = async (withAccounts: boolean) => {
    const port = await freePort();
    const child = run(folder, program, [
      ...(isMongod
        ? ['--dbpath', data, '--bind_ip', '127.0.0.1']
        : ['--storage-path', data, '--host', '127.0.0.1', '--standalone']),
      '--port',
      String(port),
      ...(withAccounts ? ['--auth'] : []),
    ]);
    keep(child);
    const account = withAccounts ? `root:${secret}@` : '';
    const url = `mongodb://${account}127.0.0.1:${port}/?directConnection=true`;
    await answering(child, folder, async () => {
      await withMongo(url, (client) => client.db('admin').command({ ping: 1 }));
    });
    return { child, url };
  };
  if (!existsSync(data)) {
    mkdirSync(data, { recursive: true });
    // The first MongoDB user can be created only without access control, so the first start has
    // none.
    const { child, url } = await open(false);
    await withMongo(url, (client) =>
      client.db('admin').command({ createUser: 'root', pwd: secret, roles: ['root'] }),
    );
    await end(child);
  }
  return new URL((await open(true)).url);
}

async function secantus(): Promise<string> {
  const venv = resolve('var/secantus');
  const program = join(venv, 'bin/secantusd-py');
  if (!existsSync(program)) {
    if (spawnSync('python3', ['-c', 'import venv, ensurepip']).status !== 0) {
      aptInstall(['python3', 'python3-venv']);
    }
    const made =
      spawnSync('python3', ['-m', 'venv', venv]).status === 0 &&
      spawnSync(join(venv, 'bin/pip'), ['install', '-q', SECANTUS]).status === 0;
    if (!made) {
      rmSync(venv, { recursive: true, force: true });
      throw new CannotStart(
        `No mongod on PATH, and "pip install ${SECANTUS}" failed. Install MongoDB or Python 3.10 with pip and try again.`,
      );
    }
  }
  return program;
}

export async function startRedis(folder: string, keep: Keep): Promise<URL> {
  const secret = password(folder);
  const port = await freePort();
  const child = run(folder, 'redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--requirepass',
    secret,
    '--dir',
    resolve(folder),
    '--appendonly',
    'yes',
    // Without this option, Redis overwrites its environment variables. One of these variables marks
    // the processes of a test run, so that processes which are left over can be found.
    '--set-proc-title',
    'no',
  ]);
  keep(child);
  const url = `redis://:${secret}@127.0.0.1:${port}`;
  await answering(child, folder, async () => {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    client.destroy();
  });
  return new URL(url);
}

async function withMongo<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 1000 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
