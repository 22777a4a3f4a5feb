import { readFileSync } from 'node:fs';

/** The peak of the resident memory of a process so far, in MB. */
export function peakOf({ pid }: { pid: number }): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round((Number(found) * 1024) / 1e6);
}
