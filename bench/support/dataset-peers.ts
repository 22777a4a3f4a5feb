// Runs what people would use instead of loading a data file with Oneway: LOAD DATA LOCAL INFILE into a typed table, and
// sqlite-utils.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aptInstall, CannotStart } from '../../bin/programs.ts';
import type { Server } from './ground.ts';
import { login, shell } from './peers.ts';

const DATABASE = 'bench_typed';

/**
 * The columns of the data file (bench/support/data-file.ts) with the types that an expert on the file would declare.
 */
const types = {
  id: 'BIGINT NOT NULL PRIMARY KEY',
  code: 'VARCHAR(20)',
  name: 'VARCHAR(200)',
  city: 'VARCHAR(100)',
  street: 'VARCHAR(200)',
  postcode: 'VARCHAR(10)',
  country: 'VARCHAR(50)',
  opened: 'DATE',
  closed: 'DATE',
  updated: 'DATETIME',
  is_open: 'BOOLEAN',
  visits: 'BIGINT',
  revenue: 'DECIMAL(12, 2)',
  share: 'DECIMAL(6, 4)',
  latitude: 'DECIMAL(10, 6)',
  longitude: 'DECIMAL(10, 6)',
  energy: 'BIGINT',
  water: 'DECIMAL(8, 1)',
  remark: 'TEXT',
  owner: 'VARCHAR(200)',
  phone: 'VARCHAR(40)',
  email: 'VARCHAR(200)',
  website: 'VARCHAR(200)',
  reference: 'VARCHAR(40)',
  category: 'VARCHAR(40)',
  grade: 'VARCHAR(10)',
  checked_at: 'DATETIME',
  checked_by: 'VARCHAR(100)',
  note: 'TEXT',
  checksum: 'CHAR(64)',
};

/** SQL expressions for columns whose text must be converted to a value of another type. */
const values: Record<string, string> = {
  closed: `NULLIF(@closed, '')`,
  updated: 'LEFT(@updated, 19)',
  is_open: `@is_open = 'true'`,
  checked_at: 'LEFT(@checked_at, 19)',
};

export async function makeTypedTable({ ask }: Server) {
  const columns = Object.entries(types).map(([column, type]) => `${column} ${type}`);
  await ask.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [DATABASE]);
  await ask.query('DROP TABLE IF EXISTS ??.data', [DATABASE]);
  await ask.query(`CREATE TABLE ??.data (${columns.join(', ')})`, [DATABASE]);
}

/** Loads a file with `LOAD DATA LOCAL INFILE` and the client `mariadb`, in one transaction. */
export const loadData = (server: Server, file: string) =>
  shell(
    `mariadb --no-defaults ${login(server)} --local-infile=1 --default-character-set=utf8mb4 ${DATABASE} <<'SQL'
${loadStatement(resolve(file))}
SQL`,
    server,
  );

const loadStatement = (path: string) => `
LOAD DATA LOCAL INFILE '${path}' INTO TABLE data CHARACTER SET utf8mb4
FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES
(${Object.keys(types)
  .map((column) => (column in values ? `@${column}` : column))
  .join(', ')})
SET ${Object.entries(values)
  .map(([column, value]) => `${column} = ${value}`)
  .join(', ')};`;

/** Reads how many rows the typed table has, and the sum of one column. */
export async function typedFacts({ ask }: Server) {
  const [lines] = await ask.query(
    `SELECT COUNT(*) AS number, SUM(visits) AS visits FROM ${DATABASE}.data`,
  );
  return (lines as { number: number; visits: string }[])[0];
}

export const dropTypedTable = ({ ask }: Server) => ask.query('DROP DATABASE ??', [DATABASE]);

const venv = resolve('var/bench-sqlite-utils');
const program = (name: string) => join(venv, 'bin', name);

/** Installs sqlite-utils if it is missing, and returns the installed version. */
export function installSqliteUtils(): string {
  if (!existsSync(program('sqlite-utils'))) {
    aptInstall(['python3-venv']);
    const made =
      spawnSync('python3', ['-m', 'venv', venv]).status === 0 &&
      spawnSync(program('pip'), ['install', '-q', 'sqlite-utils']).status === 0;
    if (!made) throw new CannotStart(`sqlite-utils could not be installed into ${venv}.`);
  }
  return spawnSync(program('sqlite-utils'), ['--version'], { encoding: 'utf8' }).stdout.trim();
}

/** Loads a file into a new SQLite database with sqlite-utils, which detects the column types from all rows. */
export async function sqliteUtils(server: Server, file: string, database: string) {
  rmSync(database, { force: true });
  await shell(`${program('sqlite-utils')} insert ${database} data ${file} --csv --silent`, server);
}
