// Reads the dump of one account (an export in several files) from the object storage. The cursor of a message is
// `part:line`, the numbers of its file and line, both counted from 1. A page of messages that begins where the page
// before ended is read from the file that is still open.
import type { Readable } from 'node:stream';
import { NotFound } from '../problems.ts';
import { below } from '../storage/below.ts';
import type { Objects } from '../storage/objects.ts';
import { checkFile, linesOf, parseLine } from './dump-lines.ts';
import { readManifest, type DumpFile, type DumpManifest } from './dump-manifest.ts';
import { threadsIn, type DumpThreads } from './dump-threads.ts';
import { AttachmentMissing, type RawRecord, type Reader, type ReadRange } from './reader.ts';
import type { MoveSettings } from './settings.ts';

/** A page of messages ends after this many bytes, as it does when messages are read from the older system’s store. */
const PAGE_BYTES = 4_000_000;

type Spot = { part: number; line: number };
type Open = Spot & { lines: AsyncGenerator<Buffer, void> };

export type DumpPlace = { storage: Objects; location: string; account: string };

/** Returns a reader for the dump of an account below `location` in the object storage. */
export function dumpReader(
  { attachmentBytes }: Pick<MoveSettings, 'attachmentBytes'>,
  { storage, location, account }: DumpPlace,
): Reader {
  const dump = below(storage, `${location.replace(/^\/+|\/+$/g, '')}/`);
  const manifest = rememberedUnlessFailed(() => readManifest(dump, account));
  const threads = rememberedUnlessFailed<DumpThreads>(async () =>
    threadsIn(dump, (await manifest()).threads),
  );
  const checkedParts = new Set<number>();
  let open: Open | null = null;

  const openAt = async ({ part, line }: Spot, file: DumpFile): Promise<Open> => {
    if (open?.part === part && open.line === line) {
      const kept = open;
      // `open` is null while a caller reads from the open file, so that no parallel call reads from the same file.
      // Afterwards, the function `keep` assigns the file to `open` again.
      open = null;
      return kept;
    }
    if (!checkedParts.has(part)) await checkFile(dump, file);
    checkedParts.add(part);
    const lines = linesOf(dump, file);
    for (let skipped = 0; skipped < line; skipped += 1) await lines.next();
    return { part, line, lines };
  };

  const page = async ({ after, until, limit }: ReadRange) => {
    const { parts } = await manifest();
    const end = until ? spotOf(until) : { part: Infinity, line: 0 };
    const items: RawRecord[] = [];
    let bytes = 0;
    for (let at = following(parts, after); at && isBefore(at, end); at = following(parts, at)) {
      // `at` is the record to read next, so open the file just before that record.
      const opened = await openAt({ part: at.part, line: at.line - 1 }, fileOf(parts, at));
      const { value: line } = await opened.lines.next();
      if (!line) throw new Error('checked by linesOf');
      items.push({ cursor: cursorOf(at), item: parseLine(line) });
      await keep({ ...opened, line: at.line }, fileOf(parts, at));
      bytes += line.length;
      if (items.length === limit || bytes > PAGE_BYTES) break;
    }
    const last = items.at(-1)?.cursor ?? after ?? null;
    const next = following(parts, last);
    return { items, next: next && isBefore(next, end) ? last : null };
  };

  const keep = async (opened: Open, { records }: DumpFile) => {
    await open?.lines.return();
    open = opened;
    // After the last record, read once more: `linesOf` then throws if the file has more records
    // than the manifest says.
    if (opened.line === records) await opened.lines.next();
  };

  return {
    messages: page,
    cursors: async ({ after, until, limit }) => {
      const { parts } = await manifest();
      const end = until ? spotOf(until) : { part: Infinity, line: 0 };
      const items: string[] = [];
      let at = following(parts, after);
      for (; at && isBefore(at, end) && items.length < limit; at = following(parts, at)) {
        items.push(cursorOf(at));
      }
      return { items, next: at && isBefore(at, end) ? (items.at(-1) ?? null) : null };
    },
    message: async (cursor) => {
      const { parts } = await manifest();
      const spot = spotOf(cursor);
      const file = parts[spot.part - 1];
      if (!file || spot.line < 1 || spot.line > file.records) return null;
      const { lines } = await openAt({ part: spot.part, line: spot.line - 1 }, file);
      const { value: line } = await lines.next();
      await lines.return();
      return line ? { cursor, item: parseLine(line) } : null;
    },
    threads: async (ids) => (await threads()).some(ids),
    threadIds: async (after) => (await threads()).idsAfter(after),
    attachment: ({ id }) => openAttachment(dump, id, attachmentBytes),
    close: () => {
      open?.lines.return().catch(() => {});
      open = null;
    },
  };
}

const cursorOf = ({ part, line }: Spot) => `${part}:${line}`;

function spotOf(cursor: string): Spot {
  const [part = 0, line = 0] = cursor.split(':').map(Number);
  return { part, line };
}

const isBefore = (one: Spot, other: Spot) =>
  one.part < other.part || (one.part === other.part && one.line < other.line);

/** Returns the position of the record after a cursor; null after the last record. */
function following(
  parts: DumpManifest['parts'],
  after: Spot | string | null | undefined,
): Spot | null {
  const { part, line } =
    typeof after === 'string' ? spotOf(after) : (after ?? { part: 1, line: 0 });
  if (line < (parts[part - 1]?.records ?? 0)) return { part, line: line + 1 };
  const next = parts.findIndex(({ records }, index) => index >= part && records > 0);
  return next < 0 ? null : { part: next + 1, line: 1 };
}

const fileOf = (parts: DumpManifest['parts'], { part }: Spot): DumpFile => {
  const file = parts[part - 1];
  if (!file) throw new Error(`The dump has no part ${part}`);
  return file;
};

async function openAttachment(dump: Objects, id: string, most: number): Promise<Readable> {
  const key = `attachments/${id}`;
  try {
    const { size = 0 } = (await dump.find(key)) ?? {};
    if (size > most) {
      throw new AttachmentMissing(
        'too-large',
        `It is larger than ${most / 1_000_000} MB, the limit ATTACHMENT_LIMIT_MB.`,
      );
    }
    return await dump.read(key);
  } catch (error) {
    // The object storage throws TypeError if an id cannot be part of an object’s key, such as `..`.
    if (error instanceof NotFound || error instanceof TypeError) {
      throw new AttachmentMissing('not-found', 'The dump does not hold it.');
    }
    throw error;
  }
}

/**
 * Runs `work` once and caches its result. A failure is not cached, so that the next call tries
 * again.
 */
function rememberedUnlessFailed<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | null = null;
  return () => {
    done ??= work().catch((error: unknown) => {
      done = null;
      throw error;
    });
    return done;
  };
}
