// Processes that a test started and did not end, for example when its file failed before its last hook was
// registered.
import { readdirSync, readFileSync } from 'node:fs';

/** The environment variable that marks every process of a test run. */
export const MARK = 'ONEWAY_TEST_RUN';

/**
 * The environment variables of a tested program besides its settings. A cache of compiled code makes it start faster.
 */
export function surroundings(): Record<string, string | undefined> {
  const names = ['PATH', 'NODE_COMPILE_CACHE', MARK];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** Ends all processes with the mark of this run. Without the folder /proc none are found. */
export function endLeftBehind(run: string) {
  for (const pid of processes()) {
    if (pid !== process.pid && variablesOf(pid).includes(`${MARK}=${run}`)) kill(pid);
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function variablesOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // The process has ended meanwhile, or belongs to another user.
    return [];
  }
}

function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process ended between listing and killing it.
  }
}
