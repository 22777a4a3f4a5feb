// Finds files that are not the same at their source any more. They are not fetched again by themselves: a person
// decides that.
import type { Work } from '../jobs/task.ts';
import type { Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import { noteSeen, type SourceFile } from './lines.ts';

/** How many files are asked for at the same time. */
const AT_ONCE = 4;

/** After how many files whose headers cannot be had no more are asked for. */
const REFUSED = 3;
/** After how many files the progress is reported. */
const REPORTED = 20;

type Run = Pick<Work, 'here' | 'report'> & { http: Http };

/** Records what the source lists of each stored file now. */
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
 * Size and ETag of a file at its source. Its headers are asked for when the index gives no ETag, and when it gives
 * another size than the stored one: many publishers round sizes.
 */
async function seenOf(headersOf: Headers, file: ListedFile, line: SourceFile) {
  const { size, etag } = file;
  const isEnough = etag !== undefined && (size === undefined || size === line.size);
  const headers = isEnough ? null : await headersOf(file.url);
  return { size: headers?.size ?? size ?? line.size, etag: etag ?? headers?.etag ?? null };
}
