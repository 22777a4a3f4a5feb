// The refresh as a background job.
import { refuseWhileClosed, type Work } from '../jobs/run.ts';
import { Problem } from '../problems.ts';
import { copyDown, rowsToCopy, type Report } from './refresh.ts';
import * as jobs from '../jobs/jobs.ts';
import { rung } from '../environments/rules.ts';
import type { Stop } from '../environments/environment.ts';

/** Copies production down, or only looks what that would do. */
export async function refresh(
  { here, job, report }: Work,
  { isLook }: { isLook: boolean },
): Promise<Report> {
  if (!here.source) {
    throw new Problem(422, 'REFRESH_SOURCE_* is not set: there is nothing to copy down from.');
  }
  const total = await rowsToCopy(here.source);
  const next = here.destination;
  return copyDown({
    here,
    there: next?.name === here.source.name ? here.source : next,
    source: here.source,
    lease: here.settings.lease.milliseconds,
    isLook,
    former: job.report === null ? null : (JSON.parse(job.report) as Report),
    progress: async ({ entity, report: result }) => {
      await report({ done: result.at.all, total, doing: entity.label.many, result });
      await refuseWhileClosed(here);
    },
  });
}

/** There is one copy-down at a time. */
export const COPY_DOWN = 'copy-down';

/** A copy-down to be, or a look at it; the one that lives already, if there is one. */
export function askFor(here: Stop, person: string, isLook: boolean) {
  const { inText } = rung(here.name);
  return jobs.request(here.sql, {
    kind: COPY_DOWN,
    name: isLook ? `Look at what a copy-down into ${inText} would do` : `Copy-down into ${inText}`,
    person,
    input: { isLook },
    onlyOne: COPY_DOWN,
  });
}
