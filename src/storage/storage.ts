// Objects are named by the SHA-256 of their content, so they are never overwritten and one store may serve
// several environments.
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { v7 as uuid } from 'uuid';
import { Invalid, NotFound } from '../problems.ts';

export type Storage = {
  has(name: string): Promise<boolean>;
  read(name: string): Promise<Buffer>;
  write(name: string, content: Buffer): Promise<void>;
};

/** A folder as object storage: `file:///srv/oneway`. */
export function folderStorage(url: string): Storage {
  const folder = fileURLToPath(url);
  const path = (name: string) => {
    if (!objectName.test(name)) throw new NotFound(`There is no object named "${name}".`);
    return join(folder, name.slice(0, 2), name);
  };
  return {
    has: async (name) =>
      access(path(name)).then(
        () => true,
        (error: unknown) => {
          if (isAbsence(error)) return false;
          throw error;
        },
      ),
    read: async (name) =>
      readFile(path(name)).catch((error: unknown) => {
        if (isAbsence(error)) throw new NotFound(`There is no object named "${name}".`);
        throw error;
      }),
    write: async (name, content) => {
      await mkdir(join(folder, name.slice(0, 2)), { recursive: true });
      // Under its own name only when it is whole, and on the disk.
      const draft = join(folder, name.slice(0, 2), `.${uuid()}`);
      try {
        await writeFile(draft, content, { flush: true });
        await rename(draft, path(name));
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
  };
}

/** Any other error is trouble with the disk, and says nothing about the object. */
const isAbsence = (error: unknown) => (error as { code?: string }).code === 'ENOENT';

const objectName = /^[0-9a-f]{64}\.(png|jpg|gif|webp)$/;

const signatures: [ending: string, test: (content: Buffer) => boolean][] = [
  ['png', (content) => content.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n'],
  ['jpg', (content) => content.subarray(0, 3).toString('latin1') === '\xff\xd8\xff'],
  ['gif', (content) => /^GIF8[79]a/.test(content.subarray(0, 6).toString('latin1'))],
  ['webp', (content) => /^RIFF.{4}WEBP/s.test(content.subarray(0, 12).toString('latin1'))],
];

/** Bytes. */
const LARGEST = 2 * 1024 * 1024;

/**
 * Keeps an uploaded image and answers its object name.
 * @throws Invalid when the content is not an image that browsers show, or is too large
 */
export async function keepImage(storage: Storage, field: string, content: Buffer): Promise<string> {
  if (content.length > LARGEST) throw new Invalid({ [field]: 'Choose an image of 2 MB or less' });
  const ending = signatures.find(([, test]) => test(content))?.[0];
  if (!ending) throw new Invalid({ [field]: 'Choose a PNG, JPEG, GIF or WebP image' });
  const name = `${createHash('sha256').update(content).digest('hex')}.${ending}`;
  if (!(await storage.has(name))) await storage.write(name, content);
  return name;
}
