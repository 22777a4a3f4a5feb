// What every process does every few seconds. Several may do it at once: each chore takes its work from the database,
// so that one of them gets it. These are timers, not schedules: they need no Redis.
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../environments/app.ts';

export type Chore = { name: string; everyMs: number; run: (here: App) => Promise<unknown> };

/** Begins all of them; answers how to stop. */
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
