import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CannotStart } from '../bin/programs.ts';

/** Makes sure that only one demo runs in this folder; the lock of a process that has ended is ignored. */
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
