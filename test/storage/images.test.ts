import { beforeEach, expect, test } from 'vitest';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as images from '../../src/storage/images.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { picture, type PictureFormat } from '../support/images.ts';
import { all, newFolder } from '../support/storage.ts';
import { openObjects } from '../../src/storage/open.ts';

const DAY = 24 * 60 * 60 * 1000;
let png: Buffer;
let folder: string;
let here: Objects;
let there: Objects;
beforeEach(async () => {
  png = await picture();
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

test('an image is named by the hash of its content', async () => {
  const name = await images.keepImage(here, 'icon', png);
  expect(name).toMatch(/^[0-9a-f]{64}\.png$/);
  expect(await images.keepImage(here, 'icon', png)).toBe(name);
  expect(await all(here.list(''))).toEqual([`${name.slice(0, 2)}/${name}`]);
  expect(await images.readImage(here, name)).toEqual(png);
});

const formats: [PictureFormat, string][] = [
  ['png', 'png'],
  ['jpeg', 'jpg'],
  ['gif', 'gif'],
  ['webp', 'webp'],
];

test.each(formats)('a complete %s image is accepted', async (format, ending) => {
  const name = await images.keepImage(here, 'icon', await picture(format));
  expect(name.split('.')[1]).toBe(ending);
});

/**
 * Uploads an image. Returns status and reason if the image is refused, or undefined if it is
 * accepted.
 */
const refusalOf = (content: Buffer | null) =>
  images.keepImage(here, 'icon', content).then(
    () => undefined,
    (error: { status: number; fields: { icon: string } }) => [error.status, error.fields.icon],
  );

test.each(formats)('a truncated %s image is refused (F18)', async (format) => {
  const whole = await picture(format);
  for (const bytes of [12, 40, Math.floor(whole.length / 2), whole.length - 20]) {
    const [status, message] = (await refusalOf(whole.subarray(0, bytes))) ?? [];
    expect([bytes, status, message]).toEqual([bytes, 422, expect.stringContaining('damaged')]);
  }
  expect(await all(here.list(''))).toEqual([]);
});

test('an image that was altered during the upload is refused (F18)', async () => {
  const broken = Buffer.from(png);
  const middle = Math.floor(png.length / 2);
  broken.writeUInt8(broken.readUInt8(middle) ^ 0xff, middle);
  expect(await refusalOf(broken)).toEqual([422, expect.stringContaining('damaged')]);
});

test('an empty file instead of an image is refused as empty (F18)', async () => {
  expect(await refusalOf(Buffer.alloc(0))).toEqual([422, expect.stringContaining('is empty')]);
});

test.each([
  ['png', 16],
  ['gif', 6],
] as const)(
  'a %s image of 60,000 × 60,000 pixels is refused by the size in its header, before it is decoded (C5)',
  async (format, at) => {
    const bomb = Buffer.from(await picture(format));
    if (format === 'png') {
      bomb.writeUInt32BE(60_000, at);
      bomb.writeUInt32BE(60_000, at + 4);
      bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    } else {
      bomb.writeUInt16LE(60_000, at);
      bomb.writeUInt16LE(60_000, at + 2);
    }
    const before = process.memoryUsage.rss();
    expect(await refusalOf(bomb)).toEqual([422, expect.stringContaining('40 megapixels or less')]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
  },
);

test('an uploaded script that is disguised with the first bytes of an image is refused (C5)', async () => {
  const script = Buffer.from('GIF89a/*\0\0\0\0*/=1;alert(document.cookie)//', 'latin1');
  expect(await refusalOf(script)).toEqual([422, expect.stringContaining('damaged')]);
});

test('a file that is no image or is larger than 2 MB is refused', async () => {
  expect(await refusalOf(Buffer.from('<svg>'))).toEqual([422, expect.stringContaining('PNG')]);
  const large = Buffer.concat([png, Buffer.alloc(2 * 1024 * 1024)]);
  expect(await refusalOf(large)).toEqual([422, expect.stringContaining('2 MB')]);
  expect(await refusalOf(null)).toEqual([422, expect.stringContaining('2 MB')]);
});

test.each(['../../etc/passwd', 'x.png', `${'a'.repeat(64)}.svg`, ''])(
  'no image is found under the invalid name %j',
  async (name) => {
    expect(await images.hasImage(here, name)).toBe(false);
    expect(await images.copyImage(here, there, name)).toBe(false);
    await expect(images.readImage(here, name)).rejects.toMatchObject({ status: 404 });
  },
);

test('copying an image to another store succeeds if one of the stores has it, and returns false otherwise', async () => {
  const name = await images.keepImage(here, 'icon', png);
  expect(await images.copyImage(here, there, name)).toBe(true);
  expect(await images.readImage(there, name)).toEqual(png);
  await here.delete(`${name.slice(0, 2)}/${name}`);
  expect(await images.copyImage(here, there, name)).toBe(true);
  expect(await images.copyImage(here, there, `${'0'.repeat(64)}.png`)).toBe(false);
});

test('storing or copying an old image again renews its date, so that the cleanup of unused images keeps it', async () => {
  const name = await images.keepImage(here, 'icon', png);
  await makeOld(name);
  await images.keepImage(here, 'icon', png);
  expect(await ageOf(name)).toBeLessThan(DAY / 2);
  await makeOld(name);
  await images.copyImage(there, here, name);
  expect(await ageOf(name)).toBeLessThan(DAY / 2);
  expect(await images.readImage(here, name)).toEqual(png);
});

test('the list of stored images skips other objects of the same store', async () => {
  const name = await images.keepImage(here, 'icon', png);
  await here.put(`backups/${name}`, png);
  await here.put(`${name.slice(0, 2)}/notes.txt`, png);
  const found: string[] = [];
  for await (const image of images.listImages(here)) found.push(image.name);
  expect(found).toEqual([name]);
});
