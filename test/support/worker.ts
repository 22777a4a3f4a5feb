// A process that runs one task and kills or pauses itself at a failpoint. It waits for a line of JSON on standard
// input, so that it can be started in advance.
import { createInterface } from 'node:readline';
import { entityNamed } from '../../src/catalog/index.ts';
import type { Content, RowKey } from '../../src/catalog/entity.ts';
import { remove } from '../../src/editing/deletions.ts';
import { openApp, openRedis, type App } from '../../src/environments/app.ts';
import { startWorker } from '../../src/jobs/queue.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { purgeEnded } from '../../src/pipeline/job.ts';
import * as copies from '../../src/staging/copies.ts';
import { drop } from '../../src/staging/drop.ts';
import { runJob as runStagingJob } from '../../src/staging/run.ts';
import { tasks as allTasks } from '../../src/tasks.ts';
import { timeouts } from '../../src/database/timeouts.ts';
import { upgrade } from '../../src/release/upgrade.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { bulk } from '../../src/writing/documents.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { recover, sweepClaims } from '../../src/writing/recovery.ts';
import { byId } from '../../src/writing/journal.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { parseSettings } from '../../src/settings.ts';
import { jobTasks } from './job-tasks.ts';
import { change, writeContextOf, pm, transfer, undo } from './rows.ts';

export type Task =
  | { do: 'transfer'; keys: RowKey[] }
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
  /** At which occurrence of the failpoint to act, counted from 1. */
  times: number;
  signal: 'SIGKILL' | 'SIGSTOP';
};

export type Order = {
  variables: Record<string, string>;
  task: Task;
  at: At | null;
  /** By how many milliseconds the clock of the process is wrong. */
  skew?: number;
  /** After how many milliseconds a statement is given up. */
  statement?: number;
  /** How many documents are written per round trip; 1 by default. */
  bulk?: number;
};

const quiet = { info: () => {}, warn: () => {} };

const tasks: { [kind in Task['do']]: (here: App, task: Task & { do: kind }) => Promise<unknown> } =
  {
    transfer: (here, { keys }) => transfer(here, keys),
    undo: async (here, { transfer: id }) => {
      const sent = await byId(here.sql, id);
      if (!sent) throw new Error('There is no such transfer');
      return undo(here, sent);
    },
    save: (here, { key, facts }) => change(here, key, facts),
    delete: (here, { key }) => remove(writeContextOf(here), pm, entityNamed(key.entity), key.id),
    refresh: (here) => {
      if (!here.source) throw new Error('There is no source');
      return runRefresh({ here, there: here.destination, source: here.source, lease: 100 });
    },
    upgrade: (here, { patience }) => upgrade({ here, say: () => {}, waitMs: patience, ttlMs: 0 }),
    deliver,
    jobs: async (here) => {
      const redis = await openRedis(here);
      startWorker(here, { redis, patient: redis }, jobTasks);
      // Waits until this process is killed.
      await new Promise(() => {});
    },
    job: (here, { id }) => runJob(here, allTasks, id),
    'purge pipeline': purgeEnded,
    order: (here, { number }) => runStagingJob(here, number, 'sam@example.com'),
    drop: async (here, { copy: id }) => {
      const copy = await copies.byId(here.sql, id);
      if (copy) await drop(here, copy, 'sam@example.com');
    },
    recover: async (here) => {
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
