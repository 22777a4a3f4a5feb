// Finds stored files that have changed at their data source since they were fetched. A run does not fetch changed files
// again, because a person decides whether to do so.
import type { Work } from '../jobs/task.ts';
import type { Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import { noteSeen, type SourceFile } from './lines.ts';

/** How many HEAD requests a run sends to the data source at the same time. */
const AT_ONCE = 4;

/**
 * After this many failed HEAD requests, the run sends no more, because the data source seems not to support HEAD.
 */
const REFUSED = 3;
/** How many files are compared between two progress reports. */
const REPORTED = 20;

type Run = Pick<Work, 'here' | 'report'> & { http: Http };

/**
 * Records the size and ETag that the data source lists now for each stored file. From these values, web pages show
 * which files have changed at the data source since they were fetched.
 */
export async function noteChanges(
  { here, http, report }: Run,
  files: ListedFile[],
  lines: Map<string, SourceFile>,
) {
  const known = files.flatMap((file) => {
    const line = lines.get(file.name);
    return line ? [{ file, line }] : [];
  });
  let [refused, done] = [0, 0];
  const headersOf = async (url: string) => {
    if (refused >= REFUSED) return null;
    const headers = await http.headers(url);
    if (headers === null) refused += 1;
    return headers;
  };
  const waiting = known.values();
  const work = async () => {
    for (const { file, line } of waiting) {
      const seen = await seenOf(headersOf, file, line);
      const isNoted = line.seen_size === seen.size && line.seen_etag === seen.etag;
      if (!isNoted) await noteSeen(here.sql, line, seen);
      done += 1;
      if (done % REPORTED === 0) {
        await report({ done, total: known.length, doing: 'Comparing the stored files' });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

type Headers = (url: string) => ReturnType<Http['headers']>;

/**
 * Returns the size and ETag that a file has at its data source now. Sends a HEAD request if the index (list of files)
 * gives no ETag. Also sends one if the size in the index differs from the stored size, because many publishers list
 * rounded sizes.
 */
async function seenOf(headersOf: Headers, file: ListedFile, line: SourceFile) {
  const { size, etag } = file;
  const isEnough = etag !== undefined && (size === undefined || size === line.size);
  const headers = isEnough ? null : await headersOf(file.url);
  return { size: headers?.size ?? size ?? line.size, etag: etag ?? headers?.etag ?? null };
}
