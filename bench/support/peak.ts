import { readFileSync } from 'node:fs';

/** Returns the peak of the resident memory (RSS) of a process so far, in MB. */
export function peakOf({ pid }: { pid: number }): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round((Number(found) * 1024) / 1e6);
}
