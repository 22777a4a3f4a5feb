// Fills the three environments as if they had been in use: with the same tasks, and with a sync state that records that
// these tasks are equal.
import { runJob } from '../../src/jobs/runner.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { tasks } from '../../src/tasks.ts';
import type { App } from '../../src/environments/app.ts';
import { databaseOf, type Ground } from './ground.ts';
import { edit, fillSql } from './rows.ts';

/** Adds `tasks` tasks to all three environments, and changes one of a hundred tasks in staging. */
export async function fillAll({ world, lower, upper }: Ground, tasks: number) {
  const { staging, preprod, production } = world;
  await fillSql(lower.ask, databaseOf(staging), tasks);
  await fillSql(upper.ask, databaseOf(preprod), tasks);
  await fillSql(lower.ask, databaseOf(production), tasks);
  await recordSyncState(preprod);
  await recordSyncState(staging);
  await edit(lower.ask, databaseOf(staging), 1, 100);
  await recordSyncState(staging);
}

/** Compares all rows with the destination, so that the sync state is up to date. */
export async function recordSyncState(here: App) {
  const { job } = await requestComparison(here, 'pm@example.com');
  const ended = await runJob(here, tasks, job.id);
  if (ended?.state !== 'done') throw new Error(`The comparison ended: ${ended?.problem}`);
  return ended.done_count;
}
