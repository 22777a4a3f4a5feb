// Starts scheduled jobs on time. BullMQ wakes one process when a schedule is due. The process then reads the schedule’s
// MySQL record, so a superfluous wake-up requests no second job. If a wake-up is lost, a periodic check requests the
// job.
import { Queue, Worker } from 'bullmq';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { keepWorking } from './keep-working.ts';
import { PREFIX, type JobQueue } from './queue.ts';
import { recordSchedules, runDue, runMissed, type Schedule, type Schedules } from './schedules.ts';

export type Ticks = {
  /**
   * Records the schedules in MySQL, requests the jobs of missed runs, and registers schedules that
   * are missing in Redis.
   */
  sweep(): Promise<void>;
  /** Begins to request the jobs of schedules when they are due. Returns a function that ends this work. */
  start(patient: Redis): () => Promise<void>;
  close(): Promise<void>;
};

const nameOf = ({ name }: App) => `${name}-schedules`;

export function openTicks(
  here: App,
  redis: Redis,
  schedules: Schedules,
  jobs: Pick<JobQueue, 'push'>,
): Ticks {
  let opened: Queue | null = null;
  const queue = async () => {
    if (opened) return opened;
    const made = new Queue(nameOf(here), { connection: redis, prefix: PREFIX });
    made.on('error', (error) => here.log.warn({ err: error }, 'schedules'));
    // A queue whose connection breaks while it opens never works, so only an open queue is stored.
    await made.waitUntilReady();
    opened = made;
    return made;
  };
  return {
    sweep: async () => {
      const own = await schedules(here);
      await recordSchedules(here, own);
      for (const job of await runMissed(here, own)) await jobs.push(job);
      if (redis.isReady) for (const schedule of own) await register(await queue(), schedule);
    },
    start: (patient) => {
      const open = () => {
        const worker = new Worker(
          nameOf(here),
          async ({ name }) => {
            const schedule = (await schedules(here)).find((one) => one.name === name);
            const job = schedule && (await runDue(here, schedule, Date.now()));
            if (job) await jobs.push(job);
            // This process does not know the schedule: it is switched off, or known only to a newer version of the
            // program. The schedule is removed from Redis; a process that knows the schedule registers it again.
            if (!schedule) await (await queue()).removeJobScheduler(name);
          },
          { connection: patient, prefix: PREFIX, autorun: false },
        );
        worker.on('error', (error) => here.log.warn({ err: error }, 'schedules'));
        return worker;
      };
      return keepWorking(here, open);
    },
    close: async () => {
      await opened?.close().catch(() => {});
    },
  };
}

async function register(queue: Queue, { name, pattern, timeZone }: Schedule) {
  const known = await queue.getJobScheduler(name);
  if (known?.pattern === pattern && known.tz === timeZone) return;
  await queue.upsertJobScheduler(
    name,
    { pattern, tz: timeZone },
    { name, opts: { removeOnComplete: true, removeOnFail: true } },
  );
}
