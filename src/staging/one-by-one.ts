import type { App } from '../environments/app.ts';
import type { Copy } from './copies.ts';

/**
 * Calls `work` for one copy after the other, in a periodic chore. If `work` fails for a copy, the
 * next round of the chore tries that copy again, and this round continues with the other copies.
 */
export async function oneByOne(here: App, all: Copy[], work: (copy: Copy) => Promise<unknown>) {
  for (const copy of all) {
    await work(copy).catch((error: unknown) =>
      here.log.warn({ err: error, copy: copy.name }, 'a copy waits for the next round'),
    );
  }
}
