// Keeps all threads of a dump (an account’s export in several files) in memory as text, because any message may refer
// to any thread.
import type { Objects } from '../storage/objects.ts';
import { checkFile, linesOf, parseLine } from './dump-lines.ts';
import type { DumpFile } from './dump-manifest.ts';
import type { RawRecord, ReadPage } from './reader.ts';
import { fieldIn } from './records.ts';

/** How many thread ids are returned at a time. */
const IDS = 1000;

export type DumpThreads = {
  some(ids: string[]): RawRecord[];
  idsAfter(after: string | null): ReadPage<string>;
};

/** Reads all threads of a dump into memory. */
export async function threadsIn(dump: Objects, file: DumpFile): Promise<DumpThreads> {
  await checkFile(dump, file);
  const lines = new Map<string, Buffer>();
  let number = 0;
  for await (const line of linesOf(dump, file)) {
    number += 1;
    const id = fieldIn(parseLine(line), 'id');
    // A record without an id gets its line number as the id, so that it is read and reported as a
    // dead letter.
    lines.set(typeof id === 'string' ? id : `line:${number}`, line);
  }
  const ids = [...lines.keys()].toSorted();
  return {
    some: (wanted) =>
      [...new Set(wanted)].flatMap((id) => {
        const line = lines.get(id);
        return line ? [{ cursor: id, item: parseLine(line) }] : [];
      }),
    idsAfter: (after) => {
      const from = after === null ? 0 : ids.findIndex((id) => id > after);
      const items = from < 0 ? [] : ids.slice(from, from + IDS);
      const isLast = from < 0 || from + IDS >= ids.length;
      return { items, next: isLast ? null : (items.at(-1) ?? null) };
    },
  };
}
