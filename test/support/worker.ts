// A process that runs one task, and kills or pauses itself at a failpoint (a named step of a write). The process reads
// the task as a line of JSON from standard input, so that a test can start the process in advance.
import { createInterface } from 'node:readline';
import type { Content, RowKey } from '../../src/catalog/entity.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { timeouts } from '../../src/database/timeouts.ts';
import { bulk } from '../../src/writing/documents.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { parseSettings } from '../../src/settings.ts';

export type Task =
  | { do: 'transfer'; keys: RowKey[] }
  | { do: 'take over'; keys: RowKey[] }
  | { do: 'undo'; transfer: string }
  | { do: 'save'; key: RowKey; facts: Content }
  | { do: 'delete'; key: RowKey }
  | { do: 'refresh' }
  | { do: 'recover' }
  | { do: 'deliver' }
  | { do: 'jobs' }
  | { do: 'job'; id: string }
  | { do: 'purge pipeline' }
  | { do: 'order'; number: number }
  | { do: 'drop'; copy: string }
  | { do: 'upgrade'; patience: number };

export type At = {
  /** The name of a failpoint (a named step of a write), or `any` for all of them. */
  point: string;
  /** At which occurrence of the failpoint the process kills or pauses itself, counted from 1. */
  times: number;
  signal: 'SIGKILL' | 'SIGSTOP';
};

export type Order = {
  variables: Record<string, string>;
  task: Task;
  at: At | null;
  /** How many milliseconds the clock of the process is ahead of the real time. */
  skew?: number;
  /** The timeout of a database statement in milliseconds. */
  statement?: number;
  /**
   * How many documents one request to MongoDB writes; 1 by default, so that a kill can come between any two documents.
   */
  bulk?: number;
};

const quiet = { info: () => {}, warn: () => {} };

type Tasks = { [kind in Task['do']]: (here: App, task: Task & { do: kind }) => Promise<unknown> };

// Each task loads only the modules that it needs, because tests start hundreds of processes with one task each.
const tasks: Tasks = {
  transfer: async (here, { keys }) => (await import('./rows.ts')).transfer(here, keys),
  'take over': async (here, { keys }) =>
    (await import('./rows.ts')).takeOver(here, keys, { overwrite: 'overwrite' }),
  undo: async (here, { transfer: id }) => {
    const { byId } = await import('../../src/writing/journal.ts');
    const sent = await byId(here.sql, id);
    if (!sent) throw new Error('There is no such transfer');
    return (await import('./rows.ts')).undo(here, sent);
  },
  save: async (here, { key, facts }) => (await import('./rows.ts')).change(here, key, facts),
  delete: async (here, { key }) => {
    const { pm, writeContextOf } = await import('./rows.ts');
    const { remove } = await import('../../src/editing/deletions.ts');
    const { entityNamed } = await import('../../src/catalog/index.ts');
    await remove(writeContextOf(here), pm, entityNamed(key.entity), key.id);
  },
  refresh: async (here) => {
    if (!here.source) throw new Error('There is no source');
    const { runRefresh } = await import('../../src/refresh/refresh.ts');
    return runRefresh({ here, there: here.destination, source: here.source, lease: 100 });
  },
  upgrade: async (here, { patience }) => {
    const { upgrade } = await import('../../src/release/upgrade.ts');
    await upgrade({ here, say: () => {}, waitMs: patience, ttlMs: 0 });
  },
  deliver: async (here) => (await import('../../src/messages/delivery.ts')).deliver(here),
  jobs: async (here) => {
    const { openRedis } = await import('../../src/environments/redis.ts');
    const { startWorker } = await import('../../src/jobs/queue.ts');
    const { jobTasks } = await import('./job-tasks.ts');
    const redis = await openRedis(here);
    startWorker(here, { redis, patient: redis }, jobTasks);
    // Waits until this process is killed.
    await new Promise(() => {});
  },
  job: async (here, { id }) => {
    const { runJob } = await import('../../src/jobs/runner.ts');
    const { tasks: all } = await import('../../src/tasks.ts');
    return runJob(here, all, id);
  },
  'purge pipeline': async (here) => (await import('../../src/pipeline/job.ts')).purgeEnded(here),
  order: async (here, { number }) => {
    const { runJob } = await import('../../src/staging/run.ts');
    await runJob(here, number, 'sam@example.com');
  },
  drop: async (here, { copy: id }) => {
    const { drop } = await import('../../src/staging/drop.ts');
    const copies = await import('../../src/staging/copies.ts');
    const copy = await copies.byId(here.sql, id);
    if (copy) await drop(here, copy, 'sam@example.com');
  },
  recover: async (here) => {
    const { recover, sweepClaims } = await import('../../src/writing/recovery.ts');
    const recovering = { here, there: here.destination, lease: 100, log: quiet };
    await recover(recovering);
    await sweepClaims(recovering);
  },
};

async function main({ variables, task, at, skew = 0, statement, bulk: size = 1 }: Order) {
  const now = Date.now.bind(Date);
  if (skew !== 0) Date.now = () => now() + skew;
  if (statement) timeouts.statement = statement;
  bulk.size = size;
  // Longer timeouts, because a busy machine must not look like a failing server.
  Object.assign(timeouts, { page: 20_000, probe: 20_000 });
  const here = openApp(parseSettings(variables));
  let left = at?.times ?? 0;
  failpoints.reached = (reached) => {
    if (!at || (at.point !== 'any' && reached !== at.point)) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, at.signal);
  };
  const work = tasks[task.do] as (here: App, task: Task) => Promise<unknown>;
  await work(here, task);
}

createInterface({ input: process.stdin }).once('line', (line) => {
  main(JSON.parse(line) as Order).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
