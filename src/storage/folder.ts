// Object storage in a folder: each key is a path below the folder. A file is written as a draft in `.unfinished`, and
// gets its final name when it is complete and on the disk.
import type { Dirent } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { v7 as uuid } from 'uuid';
import { NotFound, Unavailable } from '../problems.ts';
import { checkedKey } from './keys.ts';
import { checked, measure } from './measure.ts';
import type { Content, Objects, PutOptions, Stored, StoredObject } from './objects.ts';

const UNFINISHED = '.unfinished';

/**
 * Opens a folder as a store. The folder must exist: creating it would hide that a disk is not
 * mounted.
 */
export function folderObjects(path: string): Objects {
  const folder = resolve(path);
  const drafts = join(folder, UNFINISHED);
  const asTrouble = (error: unknown) => troubleIn(folder, error);
  const attempt = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw asTrouble(error);
    });
  /**
   * Returns the result of `work`, or null if the file does not exist. Throws if the whole storage
   * folder is missing, because then a file may exist on a disk that is not mounted.
   */
  const unlessAbsent = async <T>(work: Promise<T>): Promise<T | null> => {
    try {
      return await work;
    } catch (error) {
      if (!isAbsence(error)) throw asTrouble(error);
      await attempt(fs.stat(folder));
      return null;
    }
  };
  const statOf = async (key: string): Promise<StoredObject | null> => {
    const file = await unlessAbsent(fs.stat(join(folder, key)));
    return file?.isFile() ? { key, size: file.size, modifiedAt: file.mtime } : null;
  };

  /**
   * Writes a file as a draft, and then gives it its final name with `give`. Returns null if `give`
   * never replaces files and the name is taken.
   */
  const store = async (key: string, content: Content, options: PutOptions, give: GiveName) => {
    const named = join(folder, checkedKey(key));
    const draft = join(drafts, uuid());
    const meter = measure(content, options);
    try {
      await attempt(makeFolder(drafts));
      await write(draft, meter.parts).catch((error: unknown) => {
        throw meter.failure() ?? asTrouble(error);
      });
      return (await attempt(place(draft, named, give))) ? meter.stored() : null;
    } finally {
      meter.end();
      await fs.rm(draft, { force: true }).catch(() => {});
    }
  };

  async function* walk(at: string, prefix: string, after: string): AsyncGenerator<StoredObject> {
    const found = await unlessAbsent(fs.readdir(join(folder, at), { withFileTypes: true }));
    for (const { key, isFolder } of inOrder(at, found ?? [])) {
      const isBehind = isAfter(key, after) || (isFolder && after.startsWith(key));
      const isMeant = key.startsWith(prefix) || (isFolder && prefix.startsWith(key));
      if (!isBehind || !isMeant) continue;
      if (isFolder) {
        yield* walk(key, prefix, after);
      } else {
        // A file that statOf() does not find is skipped, because it was deleted after the folder was read.
        const object = await statOf(key);
        if (object) yield object;
      }
    }
  }

  return {
    put: async (key, content, options = {}) =>
      (await store(key, content, options, replacing)) as Stored,
    putIfAbsent: (key, content, options = {}) => store(key, content, options, ifFree),
    read: async (key) => {
      const file = await unlessAbsent(openFile(join(folder, checkedKey(key))));
      if (!file) throw new NotFound(`There is no object "${key}" in storage.`);
      return checked(file.opened.createReadStream(), file.size, asTrouble);
    },
    find: async (key) => statOf(checkedKey(key)),
    list: (prefix, { after = '' } = {}) =>
      walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, after),
    delete: async (key) => {
      const named = join(folder, checkedKey(key));
      await unlessAbsent(fs.unlink(named));
      await removeEmpty(dirname(named), folder);
    },
    removeUnfinished: async (startedBefore) => {
      let removed = 0;
      for (const name of (await unlessAbsent(fs.readdir(drafts))) ?? []) {
        const draft = join(drafts, name);
        const file = await unlessAbsent(fs.stat(draft));
        if (!file || file.mtime >= startedBefore) continue;
        await attempt(fs.rm(draft, { force: true }));
        removed += 1;
      }
      return removed;
    },
    close: () => {},
  };
}

/** Gives a completely written draft its final name. Returns false if that name is taken. */
type GiveName = (draft: string, named: string) => Promise<boolean>;

const replacing: GiveName = async (draft, named) => {
  await fs.rename(draft, named);
  return true;
};

/**
 * Gives a draft its final name only if the name is free. Uses a hard link, because a link never
 * replaces a file and a rename may.
 */
const ifFree: GiveName = (draft, named) =>
  fs.link(draft, named).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    },
  );

/** Opens a file; returns null for a subfolder. */
async function openFile(path: string) {
  const opened = await fs.open(path);
  const stat = await opened.stat();
  if (stat.isFile()) return { opened, size: stat.size };
  await opened.close();
  return null;
}

async function write(draft: string, parts: AsyncIterable<Uint8Array>) {
  const file = await fs.open(draft, 'wx');
  try {
    for await (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function place(draft: string, named: string, give: GiveName): Promise<boolean> {
  for (let attempts = 1; ; attempts += 1) {
    await fs.mkdir(dirname(named), { recursive: true });
    try {
      const isGiven = await give(draft, named);
      if (isGiven) await sync(dirname(named));
      return isGiven;
    } catch (error) {
      // Retries: since mkdir, another process may have deleted the last object of this subfolder, and the subfolder
      // with it, so that the draft could not get its name.
      if (codeOf(error) !== 'ENOENT' || attempts === 20) throw error;
    }
  }
}

/** Flushes a folder to the disk, so that the names of its new files survive a power failure. */
async function sync(folder: string) {
  const opened = await fs.open(folder);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

const makeFolder = (path: string) =>
  fs.mkdir(path).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });

async function removeEmpty(folder: string, upTo: string): Promise<void> {
  if (folder === upTo) return;
  const isRemoved = await fs.rmdir(folder).then(
    () => true,
    () => false,
  );
  if (isRemoved) await removeEmpty(dirname(folder), upTo);
}

/**
 * Sorts the files of a folder in the order in which S3 lists keys, by the bytes of the whole key:
 * `a-b` comes before `a/b`.
 */
function inOrder(at: string, entries: Dirent[]) {
  return entries
    .filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
    .map((entry) => ({
      key: `${at}${entry.name}${entry.isDirectory() ? '/' : ''}`,
      isFolder: entry.isDirectory(),
    }))
    .toSorted((one, other) => (isAfter(one.key, other.key) ? 1 : -1));
}

const isAfter = (key: string, other: string) =>
  Buffer.compare(Buffer.from(key), Buffer.from(other)) > 0;

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code ?? '';
const isAbsence = (error: unknown) => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error));

/**
 * Converts an error of the disk to a message with a solution; returns any other error unchanged.
 */
function troubleIn(folder: string, error: unknown): unknown {
  const solution: Record<string, string> = {
    ENOENT:
      'does not exist. Create it, or mount its disk, or correct STORAGE_URL (for backups BACKUPS_URL)',
    EACCES: 'does not let this program in. Give its user the right to read and write there',
    EPERM: 'does not let this program in. Give its user the right to read and write there',
    EROFS: 'can only be read. Mount its disk for writing',
    ENOSPC: 'is on a disk that is full. Make room on it',
    EDQUOT: 'is on a disk whose quota is used up. Make room on it',
    EIO: "is on a disk that does not work. Check the machine's log",
    EMFILE: 'cannot be opened: too many files are open. Raise the limit (ulimit -n)',
  };
  const known = solution[codeOf(error)];
  return known ? new Unavailable(`The storage folder ${folder} ${known}.`) : error;
}
