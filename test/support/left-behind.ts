// Ends processes that a test started and did not end, for example because its file failed before the hook that ends
// them was registered.
import { readdirSync, readFileSync } from 'node:fs';

/** The environment variable that marks every process of a test run. */
export const MARK = 'ONEWAY_TEST_RUN';

/**
 * The environment variables that a tested program gets besides its settings: the cache of compiled code makes the
 * program start faster, and the mark lets the test run find the process.
 */
export function surroundings(): Record<string, string | undefined> {
  const names = ['PATH', 'NODE_COMPILE_CACHE', MARK];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** Kills all processes with the mark of this test run. Without the folder /proc (outside Linux) no process is found. */
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
    // Ignored: the process has ended meanwhile, or belongs to another user.
    return [];
  }
}

function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ignored: the process ended before it could be killed.
  }
}
