// The type of a scenario for kill tests: it prepares the environments, names the task whose process is killed, and the
// contents expected after recovery.
import type { App } from '../../src/environments/app.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { contents, type Contents } from './checker.ts';
import type { Task } from './worker.ts';
import type { World } from './world.ts';

export type Ready = {
  task: Task;
  /** The environment whose process is killed, and the environment that the process writes to. */
  origin: 'staging' | 'preprod';
  destination: 'staging' | 'preprod';
  before: Contents;
  after: Contents;
  /** Runs the killed task again, for tasks that recovery does not complete. */
  again?: () => Promise<unknown>;
};

export type Scenario = (world: World) => Promise<Ready>;

/** Prepares the scenario of a refresh. After a kill, running the refresh again completes it. */
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
