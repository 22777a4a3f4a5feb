// Private database servers for the demo and the tests: started on free ports below one folder, with
// passwords of their own; nothing else on the machine is touched.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import { createClient } from 'redis';

/** Addresses with administrator rights: `mysql://root:…@127.0.0.1:3307`, `mongodb://…`, `redis://…`. */
export type Addresses = { mysql: URL; mongo: URL; redis: URL };
export type Servers = Addresses & { stop(): Promise<void> };
type Announce = <T>(step: string, work: () => Promise<T>) => Promise<T>;

const SECANTUS = 'secantusdb==0.7.0b3';
const isRoot = process.getuid?.() === 0;
export const installed = (program: string) =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

export class CannotStart extends Error {}

/** Starts what `given` does not already offer. Data and logs live below `folder`. */
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
    ...(installed('mariadbd') || installed('mysqld') ? [] : ['mariadb-server']),
    ...(installed('redis-server') ? [] : ['redis-server']),
  ];
  if (missing.length > 0) aptInstall(missing);
}

/** Installs Debian packages as root, or says what to install. */
export function aptInstall(packages: string[]) {
  const list = packages.join(' ');
  if (!isRoot || !installed('apt-get')) {
    throw new CannotStart(
      `Missing: ${list}. Install them (Debian: sudo apt-get install ${list}) and try again.`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-q'], { env });
  const apt = spawnSync(
    'apt-get',
    ['install', '-y', '-q', '--no-install-recommends', ...packages],
    {
      env,
      encoding: 'utf8',
    },
  );
  if (apt.status !== 0) throw new CannotStart(`apt-get install ${list} failed:\n${apt.stderr}`);
}

export type Keep = (child: ChildProcess) => void;

/** `options` go to the server as they are. */
export async function startMysql(folder: string, keep: Keep, options: string[] = []): Promise<URL> {
  const data = join(folder, 'data');
  const socket = join(resolve(folder), 's');
  const secret = password(folder);
  const port = await freePort();
  const server = installed('mariadbd') ? 'mariadbd' : 'mysqld';
  if (!existsSync(data)) {
    const asRoot = isRoot ? ['--user=root'] : [];
    const init = installed('mariadb-install-db')
      ? spawnSync(
          'mariadb-install-db',
          ['--no-defaults', `--datadir=${resolve(data)}`, ...asRoot].concat(
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
          ),
          { encoding: 'utf8' },
        )
      : spawnSync(
          'mysqld',
          ['--no-defaults', '--initialize-insecure', ...asRoot].concat(
            `--datadir=${resolve(data)}`,
          ),
          {
            encoding: 'utf8',
          },
        );
    if (init.status !== 0) {
      rmSync(data, { recursive: true, force: true });
      throw new CannotStart(`The MySQL data folder could not be made:\n${init.stderr}`);
    }
  }
  const child = run(folder, server, [
    '--no-defaults',
    `--datadir=${resolve(data)}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${join(resolve(folder), 'pid')}`,
    // Servers that share a folder for temporary tables delete each other's when they start.
    `--tmpdir=${resolve(folder)}`,
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_bin',
    '--innodb-flush-log-at-trx-commit=2',
    '--innodb-buffer-pool-size=256M',
    '--max-connections=400',
    ...(isRoot ? ['--user=root'] : []),
    ...options,
  ]);
  keep(child);
  await answering(child, folder, async () => {
    const fresh = await createConnection({ socketPath: socket, user: 'root' }).catch(() => null);
    if (fresh) {
      await fresh.query(`ALTER USER 'root'@'localhost' IDENTIFIED BY '${secret}'`);
      await fresh.end();
    }
    const connection = await createConnection({
      host: '127.0.0.1',
      port,
      user: 'root',
      password: secret,
    });
    await connection.end();
  });
  return new URL(`mysql://root:${secret}@127.0.0.1:${port}`);
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
    // Users can only be made while accounts are off, so the first start is without them.
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

/** A password of this folder's own, made once. */
export function password(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

export function run(
  folder: string,
  program: string,
  options: string[],
  variables: Record<string, string> = {},
): ChildProcess {
  const log = openSync(join(folder, 'log'), 'a');
  // Its own process group, so that Ctrl-C reaches the demo alone and the demo stops it in order.
  const env = { ...process.env, ...variables };
  return spawn(program, options, { stdio: ['ignore', log, log], detached: true, env });
}

export async function answering(child: ChildProcess, folder: string, ask: () => Promise<void>) {
  const until = Date.now() + 60_000;
  let why: unknown;
  child.once('error', (error) => (why = error));
  while (Date.now() < until && child.exitCode === null) {
    try {
      return await ask();
    } catch (error) {
      why = error;
      await sleep(100);
    }
  }
  throw new CannotStart(
    `${child.spawnfile} did not start (${why instanceof Error ? why.message : 'no answer'}). See ${join(folder, 'log')}.`,
  );
}

/** Ends a process in order and waits until it is gone. */
export async function end(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(patience);
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
