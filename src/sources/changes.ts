// Finds files that are not the same at their source any more. They are not fetched again by themselves: a person
// decides that.
import type { App } from '../environments/app.ts';
import type { Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import { differsAtSource, noteSeen, type SourceFile } from './lines.ts';

/** How many files are asked for at the same time. */
const AT_ONCE = 4;

/** Records what the source lists of each stored file now; returns how many files differ. */
export async function noteChanges(
  { here, http }: { here: App; http: Http },
  files: ListedFile[],
  lines: Map<string, SourceFile>,
): Promise<number> {
  const known = files.flatMap((file) => {
    const line = lines.get(file.name);
    return line ? [{ file, line }] : [];
  });
  const waiting = known.values();
  const work = async () => {
    for (const { file, line } of waiting) {
      const seen = await seenOf(http, file, line);
      const isNoted = line.seen_size === seen.size && line.seen_etag === seen.etag;
      if (!isNoted) await noteSeen(here.sql, line, seen);
      Object.assign(line, { seen_size: seen.size, seen_etag: seen.etag });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return [...lines.values()].filter(differsAtSource).length;
}

/**
 * Size and ETag of a file at its source. Its headers are asked for when the index gives no ETag, and when it gives
 * another size than the stored one: many publishers round sizes.
 */
async function seenOf(http: Http, file: ListedFile, line: SourceFile) {
  const { size, etag } = file;
  const isEnough = etag !== undefined && (size === undefined || size === line.size);
  const headers = isEnough ? null : await http.headers(file.url);
  return { size: headers?.size ?? size ?? line.size, etag: etag ?? headers?.etag ?? null };
}
