// The first step of a run of a data source: fetches every listed file that is not stored yet, and records each fetched
// file in the table `operations_datafile_registry` (the registry of data files).
import { failpoint } from '../database/failpoints.ts';
import type { App } from '../environments/app.ts';
import type { Work } from '../jobs/task.ts';
import { noteChanges } from './changes.ts';
import { FetchFailure } from './failure.ts';
import { fetchFile, storedFile } from './fetch.ts';
import type { Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import { addLine, linesOf, newestOf, noteReplaced, type SourceFile } from './lines.ts';
import { listFiles, type FailedFile, type Listing } from './listing.ts';
import { fileOfKey, folderOf, keyOf } from './names.ts';
import type { Source } from './sources.ts';

type Run = Pick<Work, 'here' | 'job' | 'report'> & {
  source: Source;
  http: Http;
  /**
   * The file that a person asked to fetch again, and the number under which the new content is stored (`fetch`); null
   * in a normal run.
   */
  again: { name: string; fetch: number } | null;
};

/**
 * The result of the fetching step: how many files the data source lists, how many of them could not be fetched, and the
 * first of these with the reason.
 */
export type Fetching = { found: number; failed: number; failures: FailedFile[] };

/** How many failures the result lists. */
const NAMED = 100;
/**
 * After this many files in a row without a response, the run requests the index (the publisher’s list of files) to find
 * out whether the data source still responds.
 */
const SILENT = 10;

/**
 * Fetches the listed files that are not stored yet, or only the file that a person asked to fetch
 * again.
 * @throws FetchFailure when the index cannot be fetched
 */
export async function fetchNew(run: Run): Promise<Fetching> {
  const { here, source, http, again } = run;
  await run.report({ done: 0, total: 0, doing: 'Listing the files of the source' });
  const listing = await listFiles(source, http);
  await failpoint('source listed');
  const stored = await storedKeys(here, source);
  await addMissingLines(run, stored, listing.files);
  const lines = await linesOf(here.sql, source);
  const newest = newestOf(lines);
  const missing = wanted(run, listing, newest).filter(({ key }) => !stored.has(key));
  const failures = await fetchAll(run, missing, lines);
  const failed = [...listing.failed, ...failures];
  if (again === null) await noteChanges(run, listing.files, newest);
  return { found: listing.files.length, failed: failed.length, failures: failed.slice(0, NAMED) };
}

/**
 * A file to fetch, with the number of the fetch and the key under which the file is stored in
 * object storage.
 */
type Wanted = { file: ListedFile; fetch: number; key: string };

function wanted(
  { source: { id }, again }: Run,
  { files }: Listing,
  newest: Map<string, SourceFile>,
): Wanted[] {
  const asWanted = (file: ListedFile, fetch: number) => ({
    file,
    fetch,
    key: keyOf(id, { name: file.name, fetch }),
  });
  if (again) return [asWanted(fileAgain(files, newest, again.name), again.fetch)];
  return files.map((file) => {
    const line = newest.get(file.name);
    return asWanted(file, (line && fileOfKey(id, line.object)?.fetch) ?? 1);
  });
}

/**
 * Returns the file that a person asked to fetch again, with the URL from the index. If the index no
 * longer lists the file, returns the URL of the last fetch.
 */
const fileAgain = (
  files: ListedFile[],
  newest: Map<string, SourceFile>,
  name: string,
): ListedFile =>
  files.find((file) => file.name === name) ?? { name, url: newest.get(name)?.url ?? '' };

/** Lists the object storage keys of all stored files of a data source. */
async function storedKeys({ storage }: App, { id }: Source): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { key } of storage.list(folderOf(id))) found.add(key);
  return found;
}

/**
 * Records stored files that are missing in the registry of data files. A file is missing there if an earlier run was
 * killed after it stored the file and before it recorded the file.
 */
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

/**
 * Fetches files one after the other; returns the files that failed.
 * @throws FetchFailure when the data source has stopped responding, even to a request for its index
 */
async function fetchAll(run: Run, files: Wanted[], lines: SourceFile[]): Promise<FailedFile[]> {
  const known = Map.groupBy(lines, ({ object }) => object);
  const failed: FailedFile[] = [];
  let silent = 0;
  for (const [index, file] of files.entries()) {
    const failure = await fetchOne(run, file, {
      known: known.get(file.key) ?? [],
      done: index,
      total: files.length,
    });
    if (failure) failed.push(failure);
    silent = failure?.reason === 'silent' || failure?.reason === 'unreachable' ? silent + 1 : 0;
    if (silent === SILENT) {
      await listFiles(run.source, run.http);
      silent = 0;
    }
  }
  return failed;
}

/**
 * Fetches a file; returns the failure, or null if the file was stored. `known`: the entries of this file in the
 * registry of data files, if the file was stored before and then lost from object storage.
 */
async function fetchOne(
  { here, source, http, job, report }: Run,
  { file, fetch }: Wanted,
  { known, done, total }: { known: SourceFile[]; done: number; total: number },
): Promise<FailedFile | null> {
  const doing = `Fetching ${file.name}`;
  await report({ done, total, doing });
  try {
    const fetched = await fetchFile(here, http, {
      source: source.id,
      file,
      fetch,
      onBytes: (bytes, all) => report({ done: bytes, total: Math.max(bytes, all), doing }),
    });
    if (known.length === 0) await addLine(here, source, fetched, job.person);
    for (const line of known) {
      if (line.sha256 !== fetched.sha256) await noteReplaced(here.sql, line, fetched.size);
    }
    await failpoint('source line written');
    return null;
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error;
    return { name: file.name, reason: error.reason, message: error.message };
  }
}
