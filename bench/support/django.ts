// Runs Django admin with one gunicorn worker on Oneway’s table of tasks.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aptInstall, CannotStart, freePort } from '../../bin/programs.ts';
import type { Server } from './ground.ts';
import { listening, type Site } from './site.ts';

const venv = resolve('var/bench-django');
const program = (name: string) => join(venv, 'bin', name);
const cwd = 'bench/django';

export async function django({ url }: Server, database: string): Promise<Site> {
  install();
  const env = {
    ...process.env,
    DJANGO_SETTINGS_MODULE: 'settings',
    BENCH_DB: database,
    BENCH_DB_HOST: url.hostname,
    BENCH_DB_PORT: url.port,
    BENCH_DB_USER: url.username,
    BENCH_DB_PASSWORD: url.password,
  };
  const python = (...words: string[]) => {
    const run = spawnSync(program('python'), words, { env, cwd, encoding: 'utf8' });
    if (run.status !== 0) throw new CannotStart(`Django: ${run.stderr}`);
    return run.stdout.trim();
  };
  python('-m', 'django', 'migrate', '--verbosity', '0');
  const cookie = `sessionid=${python('sign_in.py')}`;
  const port = await freePort();
  const words = ['-w', '1', '-k', 'gthread', '--threads', '4', '-b', `127.0.0.1:${port}`];
  const gunicorn = [...words, '--log-level', 'error', '--keep-alive', '60', 'pages:application'];
  return {
    ...(await listening(program('gunicorn'), gunicorn, { env, cwd }, port, '/admin/login/')),
    cookie,
  };
}

function install() {
  if (existsSync(program('gunicorn'))) return;
  aptInstall(['python3-venv', 'libmariadb-dev', 'pkg-config', 'gcc', 'python3-dev']);
  const made =
    spawnSync('python3', ['-m', 'venv', venv]).status === 0 &&
    spawnSync(program('pip'), ['install', '-q', 'django', 'gunicorn', 'mysqlclient']).status === 0;
  if (!made) throw new CannotStart(`Django could not be installed into ${venv}.`);
}
