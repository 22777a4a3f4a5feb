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
import { fetchFile, storedFile } from './fetch.ts';
import { openHttp, type Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import { addLine, linesOf, newestOf, noteReplaced, type SourceFile } from './lines.ts';
import { listFiles, type FailedFile } from './listing.ts';
import { reportOfRun, type RunReport } from './report.ts';
import { fileOfKey, folderOf, keyOf } from './names.ts';
import { noteChanges } from './changes.ts';
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

/** What all steps of one run share. */
type Run = Pick<Work, 'here' | 'job' | 'report'> & {
  source: Source;
  http: Http;
  /** Files that could not be fetched in this attempt. */
  failures: FailedFile[];
};

/** The task of a run. */
export async function runSource(work: Work, { source: id, again }: Input): Promise<RunReport> {
  const { here, job } = work;
  const source = await sources.known(here.sql, id);
  try {
    const http = openHttp(here.settings.sources, source, here.halt.signal);
    const run: Run = { here, job, report: work.report, source, http, failures: [] };
    const found = await fetchNew(run, again);
    await loadUnprocessed(run);
    return await reportOfRun(here.sql, run, found);
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

/** Fetches the files that are not stored, or the one that a person asked for; returns how many the source lists. */
async function fetchNew(run: Run, again: Input['again']): Promise<number> {
  const { here, source, http } = run;
  await run.report({ done: 0, total: 0, doing: 'Listing the files of the source' });
  const listing = await listFiles(source, http);
  run.failures.push(...listing.failed);
  await failpoint('source listed');
  const stored = await storedKeys(here, source);
  await addMissingLines(run, stored, listing.files);
  const lines = await linesOf(here.sql, source);
  const newest = newestOf(lines);
  const wanted = again
    ? [{ file: fileAgain(listing.files, newest, again.name), fetch: again.fetch }]
    : listing.files.map((file) => ({ file, fetch: fetchOf(source, newest.get(file.name)) }));
  const missing = wanted.filter(
    ({ file: { name }, fetch }) => !stored.has(keyOf(source.id, { name, fetch })),
  );
  for (const [index, one] of missing.entries()) {
    await fetchOne(run, { ...one, lines }, { done: index, total: missing.length });
  }
  if (!again) await noteChanges(run, listing.files, newest);
  return listing.files.length;
}

/** The number of the fetch whose object holds a file; 1 for a new file. */
const fetchOf = ({ id }: Source, line: SourceFile | undefined): number =>
  (line && fileOfKey(id, line.object)?.fetch) ?? 1;

/** The file that is fetched again: at its present address, or at its former one if the source lists it no more. */
const fileAgain = (
  files: ListedFile[],
  newest: Map<string, SourceFile>,
  name: string,
): ListedFile =>
  files.find((file) => file.name === name) ?? { name, url: newest.get(name)?.url ?? '' };

/** The keys of the stored files of a source. */
async function storedKeys({ storage }: App, { id }: Source): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { key } of storage.list(folderOf(id))) found.add(key);
  return found;
}

/** Writes the lines of files that were stored by a run which was killed before it wrote them. */
async function addMissingLines(
  { here, source, job }: Run,
  stored: Set<string>,
  files: ListedFile[],
) {
  const lines = await linesOf(here.sql, source);
  const known = new Set(lines.map(({ object }) => object));
  const urls = new Map(files.map(({ name, url }) => [name, url]));
  for (const key of stored) {
    const file = fileOfKey(source.id, key);
    if (!file || known.has(key)) continue;
    const url = urls.get(file.name) || null;
    const content = await storedFile(here, key);
    await addLine(here, source, { ...file, ...content, url, etag: null }, job.person);
    await failpoint('source line written');
  }
}

type One = { file: ListedFile; fetch: number; lines: SourceFile[] };

async function fetchOne(
  run: Run,
  { file, fetch, lines }: One,
  at: { done: number; total: number },
) {
  const { here, source, http, job } = run;
  const doing = `Fetching ${file.name}`;
  await run.report({ ...at, doing });
  try {
    const fetched = await fetchFile(here, http, {
      source: source.id,
      file,
      fetch,
      onBytes: (done, total) => run.report({ done, total: Math.max(done, total), doing }),
    });
    const key = keyOf(source.id, { name: file.name, fetch });
    const lost = lines.filter(({ object }) => object === key);
    for (const line of lost) {
      if (line.sha256 !== fetched.sha256) await noteReplaced(here.sql, line, fetched.size);
    }
    if (lost.length === 0) await addLine(here, source, fetched, job.person);
    await failpoint('source line written');
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error;
    run.failures.push({ name: file.name, reason: error.reason, message: error.message });
  }
}

/** Loads every file that is neither loaded nor failed, in the order in which they were fetched. */
async function loadUnprocessed(run: Run) {
  const { here, source } = run;
  const newest = newestOf(await linesOf(here.sql, source));
  const waiting = [...newest.values()]
    .filter(({ state }) => state === 'processing')
    .toSorted((one, other) => one.id - other.id);
  for (const [index, file] of waiting.entries()) {
    await run.report({ done: index, total: waiting.length, doing: `Loading ${file.file_name}` });
    await loadOne(run, file);
    await failpoint('source file loaded');
  }
}

/** Loads a file; one that cannot be loaded fails by itself, and only faults that may pass end the attempt. */
async function loadOne(run: Run, file: SourceFile) {
  const { here } = run;
  try {
    await loadFile(run, file.id);
  } catch (error) {
    if (error instanceof Interrupted || isPassing(error) || here.halt.signal.aborted) throw error;
    here.log.error({ err: error, datafile: file.id }, 'a data file was not loaded');
    await registry.fail(here.sql, file, { reason: 'other', message: reasonOf(error) });
  }
}
