// Runs a data source: fetches every data file that the publisher lists and that is not stored yet, then loads every
// stored file that is not loaded yet. A file that fails does not stop the other files. If a run is killed, the next run
// continues from what is stored.
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
import { recordLastRun } from '../jobs/schedules.ts';
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

/**
 * The input of the job. `again`: the file that a person asked to fetch again, and the number under which the new
 * content is stored (`fetch`); null for a normal run.
 */
export const sourceRunInput = z.object({
  source: z.number(),
  again: z.object({ name: z.string(), fetch: z.number() }).nullable().default(null),
});
type Input = z.infer<typeof sourceRunInput>;

/**
 * Returns the key that lets only one job be active for a data source, so that a source never has two runs at the same
 * time.
 */
export const onlyOneOf = (id: number) => `${SOURCE_RUN}:${id}`;

/**
 * Requests a run of a data source, or returns the job of the active run. The caller must queue the job after the
 * commit.
 */
export async function requestRun(on: Queryable, source: Source, person: string) {
  const asked = await jobs.request(on, runOf(source, person, null));
  await recordLastRun(on, sources.scheduleName(source.id), asked.job);
  return asked;
}

const runOf = ({ id, name }: Source, person: string, again: Input['again']): jobs.JobRequest => ({
  kind: SOURCE_RUN,
  name: again ? `Fetch ${again.name} again from ${name}` : `Run source ${name}`,
  person,
  input: { source: id, again },
  onlyOne: onlyOneOf(id),
});

/**
 * Requests a job that fetches a file again. The content from the earlier fetch is kept.
 * @throws Conflict while a run of the data source is active
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

/**
 * Runs a data source as a job: fetches new files, loads them, and notifies data managers of failures.
 */
export async function runSource(work: Work, { source: id, again }: Input): Promise<RunReport> {
  const { here, job } = work;
  const source = await sources.known(here.sql, id);
  try {
    // All files are fetched inside one named step of the job. Otherwise, the page of the job would show each new
    // progress text, such as the name of a file, as a step of its own.
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

/**
 * Returns the error that ends this attempt of the job. If the index (the publisher’s list of files) could not be
 * fetched because of a temporary failure, the job is tried again later; after any other failure of the index, the job
 * fails.
 */
function asEnding({ halt }: App, error: unknown): unknown {
  if (error instanceof FetchFailure) {
    return error.isPassing ? new Unavailable(error.message) : new Problem(422, error.message);
  }
  if (halt.signal.aborted && !(error instanceof Interrupted)) {
    return new Stopping('This process stops; another one continues');
  }
  return error;
}

/**
 * Loads every stored file that is still in the state `processing`, in the order in which the files
 * were fetched.
 */
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

/**
 * Loads a file. If the file itself cannot be loaded, only this file fails and the run continues. An
 * error that may pass, such as an unreachable database, ends the attempt of the whole job.
 */
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
