import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CannotStart } from '../bin/programs.ts';

/**
 * Takes the lock of the demo’s folder, so that only one demo runs there. A lock of a process that
 * has ended is ignored.
 * @throws CannotStart when another demo is running
 */
export function lock(file: string) {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (pid > 0 && isAlive(pid)) {
    throw new CannotStart(
      `The demo is running already (process ${pid}). Use it, or stop it with Ctrl-C there.`,
    );
  }
  writeFileSync(file, String(process.pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch {
    return false;
  }
}
