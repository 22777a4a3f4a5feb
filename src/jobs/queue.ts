// Queues jobs in Redis. BullMQ runs the jobs on any number of machines, times their delays and retries, orders them by
// priority and enforces limits. If Redis loses its data, jobs are requeued from their MySQL records. A kind of job with
// a limit has its own queue, because BullMQ’s limits apply to whole queues. Other kinds may have their own queue, so
// that jobs of other kinds do not delay them.
import { DelayedError, Queue, Worker, type Job as Entry, type JobsOptions } from 'bullmq';
import { fromSqlInstant } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { waitingChildren } from './children.ts';
import * as jobs from './jobs.ts';
import { keepWorking } from './keep-working.ts';
import { runJob } from './runner.ts';
import type { Task, Tasks } from './task.ts';

export const PREFIX = 'oneway';
/**
 * How many jobs of one queue a process runs at the same time, unless the kind of job sets another
 * number.
 */
const SIDE_BY_SIDE = 4;

type Queued = Pick<jobs.Job, 'id' | 'attempt' | 'kind' | 'priority' | 'run_at'>;
export type JobQueue = {
  /**
   * Queues a job, to run when it is due and a worker is free. If Redis does not answer, a periodic
   * check queues the job later.
   */
  push(job: Queued): Promise<void>;
  pushAll(jobs: Queued[]): Promise<void>;
  close(): Promise<void>;
};

const hasOwnQueue = (task: Task | undefined) =>
  task?.hasOwnQueue === true || task?.concurrency !== undefined || task?.rate !== undefined;
const queueName = ({ name }: App, tasks: Tasks, kind: string) =>
  hasOwnQueue(tasks[kind]) ? `${name}-jobs-${kind}` : `${name}-jobs`;

export function openQueue(here: App, redis: Redis, tasks: Tasks): JobQueue {
  const queues = new Map<string, Queue>();
  const open = async (kind: string) => {
    // BullMQ requires a connected client, so no queue is created while Redis does not answer.
    if (!redis.isReady) throw new Error('Redis does not answer');
    const name = queueName(here, tasks, kind);
    const known = queues.get(name);
    if (known) return known;
    const queue = new Queue(name, { connection: redis, prefix: PREFIX });
    queue.on('error', (error) => here.log.warn({ err: error }, 'queue'));
    // A queue whose connection breaks while it opens never works, so only an open queue is stored.
    await queue.waitUntilReady();
    queues.set(name, queue);
    return queue;
  };
  const pushAll = async (all: Queued[]) => {
    try {
      for (const [kind, own] of Map.groupBy(all, (job) => job.kind)) {
        await add(await open(kind), tasks[kind], own);
      }
    } catch (error) {
      here.log.warn({ err: error }, 'queue');
    }
  };
  return {
    push: (job) => pushAll([job]),
    pushAll,
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close().catch(() => {})));
    },
  };
}

async function add(queue: Queue, task: Task | undefined, all: Queued[]) {
  // The concurrency limit is set each time, because Redis may have lost it.
  if (task?.concurrency !== undefined) await queue.setGlobalConcurrency(task.concurrency);
  await queue.addBulk(
    all.map(({ id, attempt, kind, priority, run_at }) => ({
      name: kind,
      data: { id },
      opts: {
        ...entryOptions,
        // The id of a queue entry contains the number of the attempt. Queueing an attempt twice
        // therefore changes nothing, and the entry of a dead worker, which stays locked, does not
        // block the next attempt.
        jobId: `${id}-${attempt}`,
        delay: run_at === null ? 0 : Math.max(0, timeOf(run_at) - Date.now()),
        priority: priorities[priority ?? task?.priority ?? 'normal'],
      },
    })),
  );
}

const timeOf = (stored: string) => Date.parse(fromSqlInstant(stored));

const priorities: Record<jobs.Priority, number> = { high: 1, normal: 10, low: 100 };

/**
 * Options of a queue entry. The job’s record in MySQL decides how often the job is tried; BullMQ’s
 * own retries happen only when that record cannot be read.
 */
const entryOptions: JobsOptions = {
  attempts: 1_000_000,
  backoff: { type: 'fixed', delay: 5000 },
  removeOnComplete: true,
  removeOnFail: true,
};

/**
 * Runs jobs until the returned function is called. Running jobs then finish, or stop at their next
 * progress report.
 */
export function startWorker(
  here: App,
  { redis, patient }: { redis: Redis; patient: Redis },
  tasks: Tasks,
): () => Promise<void> {
  const queue = openQueue(here, redis, tasks);
  const run = async (entry: Entry<{ id: string }>, token?: string) => {
    const requested: jobs.Job[] = [];
    const job = await runJob(here, tasks, entry.data.id, undefined, (one) => requested.push(one));
    await queue.pushAll(requested);
    if (!job) return;
    await pushFamily(here, queue, job);
    if (job.state === 'waiting') {
      await entry.moveToDelayed(nextStart(here, job), token);
      throw new DelayedError();
    }
  };
  const own = Object.keys(tasks).filter((kind) => hasOwnQueue(tasks[kind]));
  const stops = ['', ...own].map((kind) => {
    const { sideBySide = SIDE_BY_SIDE, concurrency = sideBySide, rate } = tasks[kind] ?? {};
    const open = () => {
      const worker = new Worker<{ id: string }>(queueName(here, tasks, kind), run, {
        connection: patient,
        prefix: PREFIX,
        autorun: false,
        concurrency: Math.min(concurrency, sideBySide),
        ...(rate ? { limiter: { max: rate.max, duration: rate.perMs } } : {}),
        lockDuration: 15_000,
        stalledInterval: 5_000,
        maxStalledCount: 1000,
      });
      worker.on('error', (error) => here.log.warn({ err: error }, 'queue'));
      worker.on('failed', (one, error) =>
        here.log.warn({ err: error, job: one?.name }, 'not done this time'),
      );
      return worker;
    };
    return keepWorking(here, open);
  });
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
    await queue.close();
  };
}

/**
 * When a waiting job is tried next, in milliseconds since 1970: at the time in its record, but at least a second from
 * now. Without this second, a process with a wrong clock would try the job again and again without a pause.
 */
function nextStart({ halt }: App, { run_at }: jobs.Job): number {
  if (halt.signal.aborted) return Date.now();
  return Math.max(run_at === null ? 0 : timeOf(run_at), Date.now() + 1000);
}

/**
 * Queues the child jobs that an ended attempt requested, and the parent job that was waiting for
 * this job.
 */
async function pushFamily(here: App, queue: JobQueue, job: jobs.Job) {
  if (job.state === 'waiting_children') {
    await queue.pushAll(await waitingChildren(here.sql, job.id));
  }
  const parent = job.parent === null ? undefined : await jobs.byId(here.sql, job.parent);
  if (parent?.state === 'waiting') await queue.push(parent);
}

/** Requeues jobs that Redis lost, or whose worker died. */
export async function sweep(here: App, queue: JobQueue) {
  await queue.pushAll(await jobs.stalled(here.sql));
}
