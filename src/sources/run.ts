// A run of a source: every listed file that is not stored is fetched, and every file that is not loaded is loaded.
// Files fail one by one and stop nothing. Whatever kills a run, the next one continues from what is stored.
import { z } from 'zod';
import { failpoint } from '../database/failpoints.ts';
import type { Queryable } from '../database/sql.ts';
import { loadFile } from '../datasets/load.ts';
import * as registry from '../datasets/registry.ts';
import type { App } from '../environments/app.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { Interrupted, Stopping } from '../jobs/interrupted.ts';
import * as jobs from '../jobs/jobs.ts';
import { isPassing } from '../jobs/passing.ts';
import type { Work } from '../jobs/task.ts';
import { Conflict, Problem, Unavailable } from '../problems.ts';
import { FetchFailure } from './failure.ts';
import { notifyOfFailures } from './failure-message.ts';
import { fetchNew } from './fetch-new.ts';
import { openHttp } from './http.ts';
import { linesOf, newestOf, type SourceFile } from './lines.ts';
import { reportOfRun, type RunReport } from './report.ts';
import * as sources from './sources.ts';
import type { Source } from './sources.ts';

export const SOURCE_RUN = 'source-run';

/** `again`: the file that a person wants fetched again, under the number of its next fetch. */
export const sourceRunInput = z.object({
  source: z.number(),
  again: z.object({ name: z.string(), fetch: z.number() }).nullable().default(null),
});
type Input = z.infer<typeof sourceRunInput>;

/** The key of which only one job may be active: each source has one run at a time. */
export const onlyOneOf = (id: number) => `${SOURCE_RUN}:${id}`;

/** Requests a run of a source, or returns the active one. The caller queues the job after the commit. */
export const requestRun = (on: Queryable, source: Source, person: string) =>
  jobs.request(on, runOf(source, person, null));

const runOf = ({ id, name }: Source, person: string, again: Input['again']): jobs.JobRequest => ({
  kind: SOURCE_RUN,
  name: again ? `Fetch ${again.name} again from ${name}` : `Run source ${name}`,
  person,
  input: { source: id, again },
  onlyOne: onlyOneOf(id),
});

/**
 * Requests that a file is fetched again; the earlier one is kept.
 * @throws Conflict while a run of the source is active
 */
export async function requestRefetch(
  on: Queryable,
  source: Source,
  file: SourceFile,
  person: string,
) {
  const again = { name: file.file_name, fetch: file.fetch_number + 1 };
  const requested = await jobs.request(on, runOf(source, person, again));
  if (!requested.isNew) {
    throw new Conflict(
      `${source.name} is being run: job ${requested.job.number}. Fetch the file again when it has ended.`,
    );
  }
  return requested;
}

/** The task of a run. */
export async function runSource(work: Work, { source: id, again }: Input): Promise<RunReport> {
  const { here, job } = work;
  const source = await sources.known(here.sql, id);
  try {
    // Within a step, what is being done has no line of its own on the page of the job.
    const fetching = await work.step('Fetch new files', () => {
      const http = openHttp(here.settings.sources, source, here.halt.signal);
      return fetchNew({ ...work, source, http, again });
    });
    await work.step('Load them', () => loadUnprocessed(work, source));
    const report = await reportOfRun(here.sql, { source, job }, fetching);
    if (report.failed > 0) {
      await work.step('Notify data managers', () =>
        notifyOfFailures(here, { source, job }, report),
      );
    }
    return report;
  } catch (error) {
    throw asEnding(here, error);
  }
}

/** An error that ends the attempt: one of the index may pass, and then the job tries again. */
function asEnding({ halt }: App, error: unknown): unknown {
  if (error instanceof FetchFailure) {
    return error.isPassing ? new Unavailable(error.message) : new Problem(422, error.message);
  }
  if (halt.signal.aborted && !(error instanceof Interrupted)) {
    return new Stopping('This process stops; another one continues');
  }
  return error;
}

/** Loads every file that is neither loaded nor failed, in the order in which they were fetched. */
async function loadUnprocessed(work: Work, source: Source) {
  const { here } = work;
  const newest = newestOf(await linesOf(here.sql, source));
  const waiting = [...newest.values()]
    .filter(({ state }) => state === 'processing')
    .toSorted((one, other) => one.id - other.id);
  for (const [index, file] of waiting.entries()) {
    await work.report({ done: index, total: waiting.length, doing: `Loading ${file.file_name}` });
    await loadOne(work, file);
    await failpoint('source file loaded');
  }
}

/** Loads a file; one that cannot be loaded fails by itself, and only faults that may pass end the attempt. */
async function loadOne(work: Work, file: SourceFile) {
  const { here } = work;
  try {
    await loadFile(work, file.id);
  } catch (error) {
    if (error instanceof Interrupted || isPassing(error) || here.halt.signal.aborted) throw error;
    here.log.error({ err: error, datafile: file.id }, 'a data file was not loaded');
    const one = { id: file.id, job: work.job.id };
    await registry.fail(here.sql, one, { reason: 'other', message: reasonOf(error) });
  }
}
