// Starts what every process of an environment runs, whether it serves pages or not: recovery of interrupted transfers,
// jobs, and chores (work that each process repeats by a timer).
import { setTimeout as sleep } from 'node:timers/promises';
import { publishSealingKey } from './access/secret-fields.ts';
import { openApp, type App } from './environments/app.ts';
import { patientCopy, reachRedis, type Redis } from './environments/redis.ts';
import { startChores } from './jobs/chores.ts';
import { openQueue, startWorker, type JobQueue } from './jobs/queue.ts';
import { openTicks } from './jobs/ticks.ts';
import { inTime } from './in-time.ts';
import { startRecovery } from './writing/recovery.ts';
import { BadSettings, readSettings, type Settings } from './settings.ts';
import { chores, schedules, tasks } from './tasks.ts';
import { explain } from './version/compatibility.ts';

export type Running = { here: App; redis: Redis; line: JobQueue; stop: () => Promise<void> };

/**
 * Starts recovery at once. With `runsJobs`, also starts chores at once, and jobs as soon as Redis
 * answers.
 */
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
  const begin = async () => {
    if (!runsJobs) return;
    const patient = await patientCopy(redis, here);
    if (here.halt.signal.aborted) return patient.destroy();
    const stops = [startWorker(here, { redis, patient }, tasks), ticks.start(patient)];
    stopWorking = async () => {
      await Promise.all(stops.map((stop) => stop()));
      patient.destroy();
    };
  };
  connected.then(begin, (error: unknown) => here.log.error({ err: error }, 'redis'));
  return {
    here,
    redis,
    line,
    stop: async () => {
      here.halt.abort();
      // Chores and queue workers wait for Redis when it is down, and would block the shutdown for
      // ever. So the shutdown waits for them only while Redis answers; jobs are requeued when Redis
      // is back.
      const whileRedisIsThere = async (work: Promise<unknown>) => {
        await Promise.race([work, untilGone(redis)]);
      };
      const working = Promise.all([stopDoing(), stopWorking()]);
      await Promise.all([stopRecovering(), whileRedisIsThere(working)]);
      await whileRedisIsThere(Promise.all([line.close(), ticks.close()]));
      await inTime(CLOSE_MS, here.close()).catch((error: unknown) =>
        here.log.warn({ err: error }, 'a database was not closed in order'),
      );
      redis.destroy();
    },
  };
}

/** How many milliseconds closing the database connections may take. */
const CLOSE_MS = 5000;
/** After how many milliseconds without an answer Redis counts as unreachable. */
const GONE_MS = 3000;

/** Pings Redis every second, and resolves when Redis no longer answers. */
async function untilGone(redis: Redis) {
  for (;;) {
    const answered = await inTime(GONE_MS, redis.ping()).catch(() => null);
    if (answered === null) return;
    await sleep(1000, undefined, { ref: false });
  }
}

/**
 * Runs a program with the settings in the environment variables. If a setting is wrong, prints an
 * error message, and the program ends.
 */
export async function startWith(program: (settings: Settings) => Promise<void>) {
  try {
    await program(readSettings(process.env));
  } catch (error) {
    if (!(error instanceof BadSettings)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/**
 * How many milliseconds a shutdown may take. Then the process ends, and recovery or another process
 * continues the unfinished work.
 */
const LAST_MS = 75_000;

/**
 * Calls `drain` once on SIGTERM or SIGINT. If the shutdown takes longer than LAST_MS, the process
 * is ended anyway.
 */
export function onStop(drain: () => void) {
  const once = () => {
    setTimeout(() => process.exit(1), LAST_MS).unref();
    drain();
  };
  process.once('SIGTERM', once);
  process.once('SIGINT', once);
}
