// The queue of an environment, on Redis: BullMQ runs what is written down in MySQL, on as many machines as there are.
import { Queue, Worker } from 'bullmq';
import type { App, Redis } from '../environments/app.ts';
import * as jobs from './jobs.ts';
import { runJob, type Tasks } from './run.ts';

const place = ({ name }: App) => `${name}-jobs`;
const PREFIX = 'oneway';

type Queueing = Pick<jobs.Job, 'id' | 'attempt' | 'kind'>;
export type JobQueue = {
  /** Has a job run as soon as a worker is free; when Redis does not answer, a sweep does it later. */
  push(job: Queueing): Promise<void>;
  close(): Promise<void>;
};

export function openQueue(here: App, redis: Redis): JobQueue {
  let queue: Queue | null = null;
  // BullMQ wants a client that is connected; until then there is no queue.
  const open = () => {
    if (!redis.isReady) throw new Error('Redis does not answer');
    const opened = new Queue(place(here), { connection: redis, prefix: PREFIX });
    opened.on('error', (error) => here.log.warn({ err: error }, 'queue'));
    return opened;
  };
  return {
    push: async (job) => {
      try {
        queue ??= open();
        await push(queue, job);
      } catch (error) {
        here.log.warn({ err: error }, 'queue');
      }
    },
    close: async () => {
      await queue?.close().catch(() => {});
    },
  };
}

/** One attempt is one entry, so that a sweep may push as often as it likes. */
async function push(queue: Queue, { id, attempt, kind }: Queueing) {
  await queue.add(
    kind,
    { id },
    {
      jobId: `${id}-${attempt}`,
      attempts: 1,
      removeOnComplete: true,
      removeOnFail: true,
    },
  );
}

/** Runs jobs until it is told to stop; then what is under way comes to its end or to its next report. */
export function startWorker(here: App, redis: Redis, tasks: Tasks): () => Promise<void> {
  const worker = new Worker<{ id: string }>(
    place(here),
    async ({ data }) => {
      await runJob(here, tasks, data.id);
    },
    {
      connection: redis,
      prefix: PREFIX,
      concurrency: 4,
      lockDuration: 15_000,
      stalledInterval: 10_000,
      maxStalledCount: 1000,
    },
  );
  worker.on('error', (error) => here.log.warn({ err: error }, 'queue'));
  worker.on('failed', (one, error) =>
    here.log.warn({ err: error, job: one?.name }, 'not done this time'),
  );
  return () => worker.close();
}

/** Puts jobs in line that Redis lost, or whose worker died. */
export async function sweep(here: App, line: JobQueue) {
  for (const job of await jobs.stalled(here.sql)) await line.push(job);
}
