// Tests what only an object store in a folder does: it reports errors of the disk, and reads files of earlier versions.
import { beforeEach, expect, test } from 'vitest';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderObjects } from '../../src/storage/folder.ts';
import { hasImage } from '../../src/storage/images.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { all, textAt } from '../support/storage.ts';

let folder: string;
let objects: Objects;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oneway-folder-'));
  objects = folderObjects(folder);
});

const content = Buffer.from('content');

test('every operation on a missing storage folder fails with 503, so that no object counts as absent', async () => {
  await objects.put('a/b', content);
  await rm(folder, { recursive: true });
  const trouble = {
    status: 503,
    message: `The storage folder ${folder} does not exist. Create it, or mount its disk, or correct STORAGE_URL (for backups BACKUPS_URL).`,
  };
  await expect(objects.find('a/b')).rejects.toMatchObject(trouble);
  await expect(objects.read('a/b')).rejects.toMatchObject(trouble);
  await expect(objects.put('a/b', content)).rejects.toMatchObject(trouble);
  await expect(objects.putIfAbsent('a/b', content)).rejects.toMatchObject(trouble);
  await expect(objects.delete('a/b')).rejects.toMatchObject(trouble);
  await expect(all(objects.list('a/'))).rejects.toMatchObject(trouble);
  await expect(objects.removeUnfinished(new Date())).rejects.toMatchObject(trouble);
});

test('a storage folder still serves images that earlier versions of the program stored', async () => {
  const name = `${'ab'.repeat(32)}.png`;
  await mkdir(join(folder, 'ab'));
  await writeFile(join(folder, 'ab', name), 'image');
  await writeFile(join(folder, 'ab', '.draft-of-an-earlier-version'), 'half');
  expect(await hasImage(objects, name)).toBe(true);
  expect(await textAt(objects, `ab/${name}`)).toBe('image');
  expect(await all(objects.list(''))).toEqual([`ab/${name}`]);
});

test('a storage folder lists files whose names are invalid keys, but does not treat a subfolder as an object', async () => {
  await objects.put('a/b', content);
  await writeFile(join(folder, 'odd\\name'), 'x');
  expect(await all(objects.list(''))).toEqual(['a/b', 'odd\\name']);
  expect(await objects.find('a')).toBeNull();
  await expect(objects.read('a')).rejects.toMatchObject({ status: 404 });
  await objects.delete('a');
  expect(await textAt(objects, 'a/b')).toBe('content');
});

test('the removal of unfinished uploads deletes old incomplete files from a storage folder, but keeps recent ones', async () => {
  await objects.put('a', content);
  const [old, fresh] = [join(folder, '.unfinished', 'old'), join(folder, '.unfinished', 'fresh')];
  for (const draft of [old, fresh]) await writeFile(draft, 'half');
  await utimes(old, new Date(0), new Date(0));
  expect(await objects.removeUnfinished(new Date(Date.now() - 60_000))).toBe(1);
  expect(await readdir(join(folder, '.unfinished'))).toEqual(['fresh']);
});

test('a storage folder stores an object while another upload deletes the last object in the same subfolder', async () => {
  const work = Array.from({ length: 200 }, async (_one, index) => {
    await objects.put(`same/folder/${index}`, content);
    await objects.delete(`same/folder/${index}`);
  });
  await Promise.all(work);
  expect(await readdir(folder)).toEqual(['.unfinished']);
});
