// What every process of an environment does, with or without pages: it recovers, and runs jobs.
import { openHere, openRedis, type Here, type Redis } from './environments/here.ts';
import { work } from './jobs/queue.ts';
import { keepRecovering } from './journal/recovery.ts';
import { BadSettings, parseSettings, type Settings } from './settings.ts';
import { chores, tasks } from './tasks.ts';
import { inWords } from './version/standing.ts';

export type Running = { here: Here; redis: Redis; stop: () => Promise<void> };

export async function run(
  settings: Settings,
  { runsJobs }: { runsJobs: boolean },
): Promise<Running> {
  const here = openHere(settings);
  const standing = await here.standing().catch(() => null);
  if (standing && standing.kind !== 'open') here.log.warn(inWords(standing));
  const redis = await openRedis(here);
  const stopRecovering = keepRecovering(
    { here, there: here.destination, lease: settings.lease.milliseconds, log: here.log },
    settings.lease.recoverEvery,
  );
  const stopWorking = runsJobs ? await work(here, redis, tasks, chores) : async () => {};
  return {
    here,
    redis,
    stop: async () => {
      await Promise.all([stopRecovering(), stopWorking()]);
      await Promise.all([here.close(), redis.close()]);
    },
  };
}

/** Starts a program; settings that are missing or wrong are said in words. */
export async function startWith(program: (settings: Settings) => Promise<void>) {
  try {
    await program(parseSettings(process.env));
  } catch (error) {
    if (!(error instanceof BadSettings)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Once, on SIGTERM or SIGINT. */
export function onStop(drain: () => void) {
  process.once('SIGTERM', drain);
  process.once('SIGINT', drain);
}
