// What every process of an environment runs, with or without pages: recovery, chores and jobs.
import { publishSealingKey } from './access/secret-fields.ts';
import { openApp, reachRedis, type App, type Redis } from './environments/app.ts';
import { startChores } from './jobs/chores.ts';
import { openQueue, startWorker, type JobQueue } from './jobs/queue.ts';
import { openTicks } from './jobs/ticks.ts';
import { startRecovery } from './writing/recovery.ts';
import { BadSettings, parseSettings, type Settings } from './settings.ts';
import { chores, schedules, tasks } from './tasks.ts';
import { explain } from './version/compatibility.ts';

export type Running = { here: App; redis: Redis; line: JobQueue; stop: () => Promise<void> };

/** Recovery and pages start without Redis; jobs start when it answers. */
export async function run(
  settings: Settings,
  { runsJobs }: { runsJobs: boolean },
): Promise<Running> {
  const here = openApp(settings);
  const standing = await here.compatibility().catch(() => null);
  if (standing && standing.kind !== 'open') here.log.warn(explain(standing));
  publishSealingKey(here).catch((error: unknown) => here.log.warn({ err: error }, 'sealing key'));
  const stopRecovering = startRecovery(
    { here, there: here.destination, lease: settings.lease.milliseconds, log: here.log },
    settings.lease.recoverEvery,
  );
  const { redis, connected } = reachRedis(here);
  const line = openQueue(here, redis, tasks);
  const ticks = openTicks(here, redis, schedules, line);
  const stopDoing = runsJobs ? startChores(here, chores(line, ticks)) : async () => {};
  let stopWorking = async () => {};
  const begin = () => {
    if (!runsJobs || here.halt.signal.aborted) return;
    const stops = [startWorker(here, redis, tasks), ticks.start()];
    stopWorking = async () => {
      await Promise.all(stops.map((stop) => stop()));
    };
  };
  connected.then(begin, (error: unknown) => here.log.error({ err: error }, 'redis'));
  return {
    here,
    redis,
    line,
    stop: async () => {
      here.halt.abort();
      await Promise.all([stopRecovering(), stopDoing(), stopWorking()]);
      await Promise.all([line.close(), ticks.close()]);
      await here.close();
      redis.destroy();
    },
  };
}

/** Starts a program; wrong settings end it with a message. */
export async function startWith(program: (settings: Settings) => Promise<void>) {
  try {
    await program(parseSettings(process.env));
  } catch (error) {
    if (!(error instanceof BadSettings)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Runs once on SIGTERM or SIGINT. */
export function onStop(drain: () => void) {
  process.once('SIGTERM', drain);
  process.once('SIGINT', drain);
}
