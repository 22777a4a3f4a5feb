// Fills the environments as if they had been in use: the same tasks in all three, and a sync state that records that
// they are equal.
import { runJob } from '../../src/jobs/runner.ts';
import { requestComparison } from '../../src/comparison/job.ts';
import { tasks } from '../../src/tasks.ts';
import type { App } from '../../src/environments/app.ts';
import { databaseOf, type Ground } from './ground.ts';
import { edit, fillSql } from './rows.ts';

/** Puts `tasks` tasks into all three environments; one of a hundred is newer in staging. */
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

/** Compares all rows, so that what is recorded here about both sides is right. */
export async function recordSyncState(here: App) {
  const { job } = await requestComparison(here, 'pm@example.com');
  const ended = await runJob(here, tasks, job.id);
  if (ended?.state !== 'done') throw new Error(`The comparison ended: ${ended?.problem}`);
  return ended.done_count;
}
