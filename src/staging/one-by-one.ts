import type { App } from '../environments/app.ts';
import type { Copy } from './copies.ts';

/**
 * Works on copies one after the other, for a chore that runs every few seconds. If one fails, it is tried again in the
 * next round, and the others are not delayed.
 */
export async function oneByOne(here: App, all: Copy[], work: (copy: Copy) => Promise<unknown>) {
  for (const copy of all) {
    await work(copy).catch((error: unknown) =>
      here.log.warn({ err: error, copy: copy.name }, 'a copy waits for the next round'),
    );
  }
}
