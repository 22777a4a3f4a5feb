// Runs dlt, a Python library that people would use instead of Oneway to move accounts from DynamoDB to MySQL.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { aptInstall, CannotStart } from '../../bin/programs.ts';
import type { Ground } from './ground.ts';

const VERSION = '1.31.0';
const DATABASE = 'bench_dlt';
const venv = resolve('var/bench-dlt');
const python = join(venv, 'bin/python');

/** Installs dlt if it is missing, and returns its name and version. */
export function installDlt(): string {
  if (!existsSync(join(venv, 'bin/dlt'))) {
    aptInstall(['python3-venv']);
    const packages = [`dlt[sqlalchemy]==${VERSION}`, 'boto3', 'pymysql'];
    const made =
      spawnSync('python3', ['-m', 'venv', venv]).status === 0 &&
      spawnSync(python, ['-m', 'pip', 'install', '-q', ...packages]).status === 0;
    if (!made) throw new CannotStart(`dlt could not be installed into ${venv}.`);
  }
  return `dlt ${VERSION}`;
}

/** `whole`: the milliseconds of the whole program. `run`: the same without the start of Python. */
type Moved = { whole: number; run: number; rows: number };
type Wanted = { store: string; account: string; round: number; isIncremental?: boolean };

/** Copies an account from DynamoDB to MySQL with dlt, in another process. */
export async function dltMove(
  { lower, folder }: Ground,
  { store, account, round, isIncremental = false }: Wanted,
): Promise<Moved> {
  const database = `${DATABASE}_${round}${isIncremental ? '_newer' : ''}`;
  await lower.ask.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [database]);
  const { username, password, host } = lower.url;
  const address = `mysql+pymysql://${username}:${password}@${host}/${database}`;
  const words = [
    'bench/support/dlt_move.py',
    store,
    address,
    resolve(folder, database),
    account,
    ...(isIncremental ? ['incremental'] : []),
  ];
  const quiet = { RUNTIME__DLTHUB_TELEMETRY: 'false', RUNTIME__LOG_LEVEL: 'ERROR' };
  const begun = performance.now();
  const { stdout } = await promisify(execFile)(python, words, {
    env: { ...process.env, ...quiet },
  });
  const whole = performance.now() - begun;
  const printed = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Omit<Moved, 'whole'>;
  return { whole, ...printed };
}

/** Drops the databases that dlt has written in a round. */
export async function dropDlt({ lower }: Ground, round: number) {
  for (const end of ['', '_newer', '_staging', '_newer_staging']) {
    await lower.ask.query('DROP DATABASE IF EXISTS ??', [`${DATABASE}_${round}${end}`]);
  }
}
