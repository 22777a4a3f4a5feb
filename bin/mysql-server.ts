// Starts a private MySQL or MariaDB server: the first `mariadbd` or `mysqld` on the PATH. To use another version, put
// its folder first on the PATH.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { answering, CannotStart, freePort, isRoot, password, run, type Keep } from './programs.ts';

/**
 * Starts a MySQL server with its data in `folder`. Returns its URL with the account `root`.
 * `options` are passed on to the server program unchanged.
 */
export async function startMysql(folder: string, keep: Keep, options: string[] = []): Promise<URL> {
  const program = sqlProgram();
  if (!program) throw new CannotStart('Missing: mariadbd or mysqld. Install mariadb-server.');
  const data = resolve(folder, 'data');
  const socket = resolve(folder, 's');
  const secret = password(folder);
  const port = await freePort();
  const asRoot = isRoot ? ['--user=root'] : [];
  // Gives each server its own folder for temporary tables. Servers that share such a folder delete
  // each other’s temporary tables when they start.
  const own = [`--datadir=${data}`, `--tmpdir=${resolve(folder)}`];
  const start = ['--no-defaults', ...own, ...asRoot];
  if (!existsSync(data)) makeData(program, data, start);
  const child = run(folder, program, [
    ...start,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${resolve(folder, 'pid')}`,
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_bin',
    '--innodb-flush-log-at-trx-commit=2',
    '--innodb-buffer-pool-size=256M',
    '--max-connections=400',
    ...options,
  ]);
  keep(child);
  await answering(child, folder, async () => {
    const fresh = await createConnection({ socketPath: socket, user: 'root' }).catch(() => null);
    if (fresh) {
      await fresh.query(`ALTER USER 'root'@'localhost' IDENTIFIED BY '${secret}'`);
      await fresh.end();
    }
    const account = { user: 'root', password: secret };
    const connection = await createConnection({ host: '127.0.0.1', port, ...account });
    await connection.end();
  });
  return new URL(`mysql://root:${secret}@127.0.0.1:${port}`);
}

/** Returns the path of the server program; null if none is on the PATH. */
export function sqlProgram(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = folders.flatMap((one) => [join(one, 'mariadbd'), join(one, 'mysqld')]);
  return paths.find((path) => existsSync(path)) ?? null;
}

/** Creates the data folder, with a `root` user that has no password yet and may connect by socket. */
function makeData(program: string, data: string, start: string[]) {
  mkdirSync(data, { recursive: true });
  const { stdout } = spawnSync(program, ['--no-defaults', '--version'], { encoding: 'utf8' });
  const made = stdout.includes('MariaDB')
    ? spawnSync(program, [...start, '--bootstrap'], {
        input: systemTables(program),
        encoding: 'utf8',
      })
    : spawnSync(program, [...start, '--initialize-insecure'], { encoding: 'utf8' });
  if (made.status !== 0) {
    rmSync(data, { recursive: true, force: true });
    throw new CannotStart(`The MySQL data folder could not be made:\n${made.stderr}`);
  }
}

/**
 * Returns the SQL that creates the system tables of the chosen MariaDB server. The program
 * `mariadb-install-db` would use the SQL of the MariaDB version that is installed on the machine.
 */
function systemTables(program: string): string {
  const { stdout } = spawnSync(program, ['--no-defaults', '--verbose', '--help'], {
    encoding: 'utf8',
  });
  const variable = (name: string) => new RegExp(`^${name} +(\\S+)$`, 'm').exec(stdout)?.[1] ?? '';
  const basedir = variable('basedir') || '/usr';
  const folders = [variable('lc-messages-dir'), join(basedir, 'share/mysql')];
  const shares = [...folders, join(basedir, 'share/mariadb')].flatMap((folder) =>
    ['mariadb', 'mysql'].map((prefix) => join(folder, prefix)),
  );
  const share = shares.find((one) => existsSync(`${one}_system_tables.sql`));
  if (!share) {
    throw new CannotStart(`The system tables of ${program} were not found below ${basedir}.`);
  }
  const parts = ['system_tables', 'performance_tables', 'system_tables_data'];
  return [
    'create database if not exists mysql;',
    'use mysql;',
    'set @auth_root_socket = null;',
    ...parts.map((part) => readFileSync(`${share}_${part}.sql`, 'utf8')),
  ].join('\n');
}
