// Chores are work that every process does every few seconds, such as sending e-mails. Each chore takes its work from
// the database under a lock, so that only one process does it. Chores are plain timers and need no Redis.
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../environments/app.ts';

export type Chore = { name: string; everyMs: number; run: (here: App) => Promise<unknown> };

/** Starts all chores; returns a function that stops them. */
export function startChores(here: App, chores: Chore[]): () => Promise<void> {
  const { signal } = here.halt;
  const repeat = async ({ name, everyMs, run }: Chore) => {
    while (!signal.aborted) {
      await run(here).catch((error: unknown) =>
        here.log.warn({ err: error }, `${name} tries again`),
      );
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  };
  const all = chores.map(repeat);
  return async () => {
    await Promise.all(all);
  };
}
