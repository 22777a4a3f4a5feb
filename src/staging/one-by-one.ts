import type { App } from '../environments/app.ts';
import type { Copy } from './copies.ts';

/**
 * Calls `work` for one staging database after the other. If `work` fails for one, the others are still processed. The
 * server calls this function regularly, so the failed one is tried again later.
 */
export async function oneByOne(here: App, all: Copy[], work: (copy: Copy) => Promise<unknown>) {
  for (const copy of all) {
    await work(copy).catch((error: unknown) =>
      here.log.warn({ err: error, copy: copy.name }, 'a copy waits for the next round'),
    );
  }
}
