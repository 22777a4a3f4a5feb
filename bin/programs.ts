// Installs, starts and stops the third-party programs that the demo and the tests need.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const isRoot = process.getuid?.() === 0;
export const installed = (program: string) =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

export class CannotStart extends Error {}

export type Keep = (child: ChildProcess) => void;

/**
 * Installs Debian packages if this process runs as root. Otherwise fails with a message that says
 * what to install.
 */
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

/**
 * Returns the password that is stored in a server’s folder. The first call creates a random
 * password.
 */
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
  // Gives the program its own process group, so that Ctrl-C reaches only the demo, which then stops
  // its programs in order.
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

/** Asks a process to end and waits until it is gone. Kills the process after 15 seconds. */
export async function end(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(patience);
}

/**
 * The ports to choose from. The system gives programs that connect somewhere a port above these
 * (Linux from 32768, others from 49152), so no connection takes a chosen port before the program
 * for which it was chosen listens there.
 */
const PORTS = { from: 15_000, to: 32_000 };

/** Returns a port of this machine on which no program listens. */
export async function freePort(): Promise<number> {
  const port = randomInt(PORTS.from, PORTS.to);
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, 'close');
  return port;
}
