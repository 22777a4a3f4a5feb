import { beforeEach, expect, test } from '@jest/globals';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import * as images from '../../src/storage/images.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { all, newFolder } from '../support/storage.ts';
import { openObjects } from '../../src/storage/open.ts';

const png = Buffer.from('\x89PNG\r\n\x1a\n and the rest', 'latin1');
const DAY = 24 * 60 * 60 * 1000;
let folder: string;
let here: Objects;
let there: Objects;
beforeEach(async () => {
  const address = await newFolder();
  folder = address.kind === 'folder' ? address.path : '';
  here = openObjects(address);
  there = openObjects(await newFolder());
});

async function makeOld(name: string) {
  const past = new Date(Date.now() - DAY);
  await utimes(join(folder, name.slice(0, 2), name), past, past);
}

const ageOf = async (name: string) => {
  const found = await here.find(`${name.slice(0, 2)}/${name}`);
  return Date.now() - Number(found?.modifiedAt);
};

test('an image is named by its content', async () => {
  const name = await images.keepImage(here, 'icon', png);
  expect(name).toMatch(/^[0-9a-f]{64}\.png$/);
  expect(await images.keepImage(here, 'icon', png)).toBe(name);
  expect(await all(here.list(''))).toEqual([`${name.slice(0, 2)}/${name}`]);
  expect(await buffer(await images.readImage(here, name))).toEqual(png);
});

test.each([
  ['GIF89a', 'gif'],
  ['\xff\xd8\xff', 'jpg'],
  ['RIFF1234WEBP', 'webp'],
])('an image is recognised by its first bytes: %j', async (start, ending) => {
  const name = await images.keepImage(here, 'icon', Buffer.from(start, 'latin1'));
  expect(name.split('.')[1]).toBe(ending);
});

test('refuses a file that is no image or is larger than 2 MB', async () => {
  await expect(images.keepImage(here, 'icon', Buffer.from('<svg>'))).rejects.toMatchObject({
    status: 422,
  });
  const large = Buffer.concat([png, Buffer.alloc(2 * 1024 * 1024)]);
  await expect(images.keepImage(here, 'icon', large)).rejects.toMatchObject({ status: 422 });
});

test.each(['../../etc/passwd', 'x.png', `${'a'.repeat(64)}.svg`, ''])(
  'there is no image named %j',
  async (name) => {
    expect(await images.hasImage(here, name)).toBe(false);
    expect(await images.copyImage(here, there, name)).toBe(false);
    await expect(images.readImage(here, name)).rejects.toMatchObject({ status: 404 });
  },
);

test('copies an image that the other store lacks, and reports one that neither has', async () => {
  const name = await images.keepImage(here, 'icon', png);
  expect(await images.copyImage(here, there, name)).toBe(true);
  expect(await buffer(await images.readImage(there, name))).toEqual(png);
  await here.delete(`${name.slice(0, 2)}/${name}`);
  expect(await images.copyImage(here, there, name)).toBe(true);
  expect(await images.copyImage(here, there, `${'0'.repeat(64)}.png`)).toBe(false);
});

test('storing or copying an image again renews its age, so that no sweep removes it', async () => {
  const name = await images.keepImage(here, 'icon', png);
  await makeOld(name);
  await images.keepImage(here, 'icon', png);
  expect(await ageOf(name)).toBeLessThan(DAY / 2);
  await makeOld(name);
  await images.copyImage(there, here, name);
  expect(await ageOf(name)).toBeLessThan(DAY / 2);
  expect(await buffer(await images.readImage(here, name))).toEqual(png);
});

test('lists images and no other objects of the store', async () => {
  const name = await images.keepImage(here, 'icon', png);
  await here.put(`backups/${name}`, png);
  await here.put(`${name.slice(0, 2)}/notes.txt`, png);
  const found: string[] = [];
  for await (const image of images.listImages(here)) found.push(image.name);
  expect(found).toEqual([name]);
});
