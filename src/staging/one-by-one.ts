import type { App } from '../environments/app.ts';
import type { Copy } from './copies.ts';

/**
 * Works on copies one after the other, as a process does every few seconds. One that fails waits for the next round, and
 * does not keep the others waiting.
 */
export async function oneByOne(here: App, all: Copy[], work: (copy: Copy) => Promise<unknown>) {
  for (const copy of all) {
    await work(copy).catch((error: unknown) =>
      here.log.warn({ err: error, copy: copy.name }, 'a copy waits for the next round'),
    );
  }
}
