// A known state on both sides, a task whose process dies, and the contents expected after recovery.
import type { App } from '../../src/environments/app.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { contents, type Contents } from './checker.ts';
import type { Task } from './worker.ts';
import type { World } from './world.ts';

export type Ready = {
  task: Task;
  /** The environment whose process dies, and the one that it writes to. */
  origin: 'staging' | 'preprod';
  destination: 'staging' | 'preprod';
  before: Contents;
  after: Contents;
  /** Runs the killed task again, if that is what completes it. */
  again?: () => Promise<unknown>;
};

export type Scenario = (world: World) => Promise<Ready>;

/** A scenario of a refresh: after a kill it is completed by running it again. */
export const refreshOf = async ({ staging, production }: World): Promise<Ready> => {
  const before = await contents(staging);
  const after = new Map(before);
  for (const [key, value] of await contents(production)) after.set(key, value);
  return {
    task: { do: 'refresh' },
    origin: 'staging',
    destination: 'staging',
    before,
    after,
    again: () => refreshNow(staging),
  };
};

export async function refreshNow(here: App) {
  const { source, destination: there } = here;
  if (source) await runRefresh({ here, there, source, lease: 2000 });
}
