// The queue of an environment, on Redis: BullMQ runs what is written down in MySQL, on as many machines as there are.
import { Queue, Worker, type Job as Queued } from 'bullmq';
import type { Here, Redis } from '../environments/here.ts';
import * as jobs from './jobs.ts';
import { runJob, type Tasks } from './run.ts';

const place = ({ name }: Here) => `${name}-jobs`;
const PREFIX = 'oneway';

/** Something that is done every few seconds, by one machine of all. */
export type Chore = { everyMs: number; run(here: Here): Promise<unknown> };
export type Chores = Record<string, Chore>;

type Queueing = Pick<jobs.Job, 'id' | 'attempt' | 'kind'>;
export type Line = {
  /** Has a job run as soon as a worker is free; when Redis does not answer, a sweep does it later. */
  push(job: Queueing): Promise<void>;
  close(): Promise<void>;
};

export function openLine(here: Here, redis: Redis): Line {
  const queue = new Queue(place(here), { connection: redis, prefix: PREFIX });
  queue.on('error', (error) => here.log.warn({ err: error }, 'queue'));
  return {
    push: (job) =>
      push(queue, job).catch((error: unknown) => here.log.warn({ err: error }, 'queue')),
    close: () => queue.close().catch(() => {}),
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

/** Works until it is told to stop; then what is under way comes to its end or to its next report. */
export async function work(here: Here, redis: Redis, tasks: Tasks, chores: Chores) {
  const queue = new Queue(place(here), { connection: redis, prefix: PREFIX });
  let isStopping = false;
  const run = async ({ name, data }: Queued<{ id?: string }>) => {
    if (data.id === undefined) await all[name]?.run(here);
    else await runJob(here, tasks, data.id, { isStopping: () => isStopping });
  };
  const sweep: Chore = {
    everyMs: 5000,
    run: async () => {
      for (const job of await jobs.left(here.sql)) await push(queue, job);
    },
  };
  const all: Chores = { ...chores, sweep };
  const worker = new Worker<{ id?: string }>(place(here), run, {
    connection: redis,
    prefix: PREFIX,
    concurrency: 4,
    lockDuration: 15_000,
    stalledInterval: 10_000,
    maxStalledCount: 1000,
  });
  const warn = (error: Error) => here.log.warn({ err: error }, 'queue');
  queue.on('error', warn);
  worker.on('error', warn);
  worker.on('failed', (one, error) =>
    here.log.warn({ err: error, job: one?.name }, 'not done this time'),
  );
  for (const [name, { everyMs }] of Object.entries(all)) {
    await queue.upsertJobScheduler(
      name,
      { every: everyMs },
      { name, data: {}, opts: { removeOnComplete: true, removeOnFail: true } },
    );
  }
  return async () => {
    isStopping = true;
    await worker.close();
    await queue.close();
  };
}
