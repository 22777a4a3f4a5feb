// Runs the refresh, which copies production’s rows to this environment, as a background job.
import { refuseWhileClosed } from '../jobs/runner.ts';
import type { Work } from '../jobs/task.ts';
import { Problem } from '../problems.ts';
import { runRefresh, countSourceRows, type Report } from './refresh.ts';
import * as jobs from '../jobs/jobs.ts';
import { rulesOf } from '../environments/rules.ts';
import type { Environment } from '../environments/environment.ts';

/**
 * Runs the refresh job: copies production’s rows to this environment or, in a dry run, only reports
 * what a refresh would change.
 */
export async function runRefreshJob(
  { here, job, report }: Work,
  { dryRun }: { dryRun: boolean },
): Promise<Report> {
  if (!here.source) {
    throw new Problem(422, 'REFRESH_SOURCE_* is not set: there is no source to refresh from.');
  }
  const total = await countSourceRows(here.source);
  const next = here.destination;
  return runRefresh({
    here,
    there: next?.name === here.source.name ? here.source : next,
    source: here.source,
    lease: here.settings.lease.milliseconds,
    dryRun,
    former: job.report === null ? null : (JSON.parse(job.report) as Report),
    progress: async ({ entity, report: result }) => {
      await report({ done: result.at.all, total, doing: entity.label.many, result });
      await refuseWhileClosed(here);
    },
  });
}

/** The kind of the refresh job. The same word is the job’s `onlyOne` key, so that only one refresh runs at a time. */
export const REFRESH = 'refresh';

/** Requests a refresh or a dry run. If a refresh is already running, returns the running job. */
export function requestRefresh(here: Environment, person: string, dryRun: boolean) {
  const { inText } = rulesOf(here.name);
  return jobs.request(here.sql, {
    kind: REFRESH,
    name: dryRun ? `Dry run: what a refresh of ${inText} would do` : `Refresh into ${inText}`,
    person,
    input: { dryRun },
    onlyOne: REFRESH,
  });
}
