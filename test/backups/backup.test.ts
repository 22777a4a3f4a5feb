// Tests backups of staging: restoring them into the empty databases of production, encryption, damaged files, and
// failures.
import { beforeEach, describe, expect, test } from 'vitest';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderOf, readManifest, timesOf, type Manifest } from '../../src/backups/manifest.ts';
import { takeBackup } from '../../src/backups/take.ts';
import { verifyBackup } from '../../src/backups/verify.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { restore } from '../../src/release/restore.ts';
import { folderObjects } from '../../src/storage/folder.ts';
import { keepImage, readImage } from '../../src/storage/images.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { add } from '../support/rows.ts';
import { fill } from '../support/sample.ts';
import { stored } from '../support/stored.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let folder: string;
let store: Objects;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oneway-backups-'));
  store = folderObjects(folder);
});

const take = (recipient: string | null = null) =>
  takeBackup(world.staging, { store, client: 'cosmos', recipient });
const restoreHere = (manifest: Manifest, identity: string | null = null) =>
  restore({
    here: world.production,
    source: { store, identity },
    manifest,
    say: () => {},
    ttlMs: 0,
  });

const hostile = {
  quotes: `'"\`\\ %_ ; -- ');drop table task;\n`,
  line: 'a;\nb\r\nc\td\0e\x1az\\n\\',
  unicode: '🪔 e\u0301 é שלום \u200b\uFEFF',
};

async function fillWithHostileRows(here: App) {
  await fill(world);
  const icon = await keepImage(here.storage, 'icon', png);
  const business = await add(here, 'business', {
    name: hostile.unicode,
    description: hostile.quotes + hostile.line,
    icon,
  });
  await add(here, 'task', { business, title: hostile.quotes.trim(), message: hostile.line });
  await run(
    here.sql,
    sql`update task set message = ${hostile.line}, modified_at = '2026-01-02 03:04:05.007' where business_id = ${business}`,
  );
  return icon;
}

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('a restored backup has every row, document, status and image unchanged to the last byte and millisecond', async () => {
  const icon = await fillWithHostileRows(world.staging);
  const manifest = await take();
  await restoreHere(manifest);
  expect(await stored(world.production)).toEqual(await stored(world.staging));
  const states = ({ sql: on }: App) =>
    select(
      on,
      sql`select entity, row_id, hash, version, changed_at, held_reason, deleted_at from row_state order by 1, 2`,
    );
  expect(await states(world.production)).toEqual(await states(world.staging));
  const people = await select(
    world.production.sql,
    sql`select distinct created_by, changed_by, held_by from row_state`,
  );
  expect(JSON.stringify(people)).not.toContain('@');
  expect(await readImage(world.production.storage, icon)).toBeDefined();
  // A backup of the restored databases must have the same content as the first backup, file by
  // file.
  const again = await takeBackup(world.production, { store, client: 'copy', recipient: null });
  const plain = ({ files }: Manifest) =>
    files.map((file) => [file.of, file.rows, file.plainChecksum]);
  expect(plain(again)).toEqual(plain(manifest));
});

const keys = async () => {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
};

const fileOf = (manifest: Manifest, of: string) => {
  const file = manifest.files.find((one) => one.of === of);
  if (!file) throw new Error(`No file of ${of}`);
  return join(folder, folderOf(manifest), file.name);
};

const verify = async (manifest: Manifest, identity: string | null = null) =>
  verifyBackup({ store, identity }, await readManifest(store, manifest));

test('an encrypted backup can be read only with its private key, by Oneway and by the age command', async () => {
  await fill(world);
  const [own, other] = [await keys(), await keys()];
  const manifest = await take(own.recipient);
  expect((await verify(manifest, own.identity)).rows).toBeGreaterThan(10);
  await expect(verify(manifest, other.identity)).rejects.toThrow('BACKUPS_IDENTITY is not the key');
  await expect(verify(manifest)).rejects.toThrow('Set BACKUPS_IDENTITY');
  const key = join(folder, 'key');
  await writeFile(key, own.identity);
  const script = `age -d -i "${key}" "${fileOf(manifest, 'task')}" | zstd -dc`;
  const plain = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect(plain.stdout).toContain('INSERT INTO `task`');
  expect((await readFile(fileOf(manifest, 'task'))).includes('Send a hamper')).toBe(false);
  await restoreHere(manifest, own.identity);
  expect(await stored(world.production)).toEqual(await stored(world.staging));
});

describe('refusing a damaged backup', () => {
  test.each([
    ['a byte was altered', async (file: string) => alter(file)],
    [
      'the file was cut',
      async (file: string) => writeFile(file, (await readFile(file)).subarray(0, -9)),
    ],
    ['the file was deleted', (file: string) => rm(file)],
  ])('verifying a damaged backup (%s) fails and names the file', async (_what, damage) => {
    await fill(world);
    for (const { recipient, identity } of [{ recipient: null, identity: null }, await keys()]) {
      const manifest = await takeAfterASecond(recipient);
      for (const table of ['task', 'form']) {
        const file = fileOf(manifest, table);
        const before = await readFile(file);
        await damage(file);
        await expect(verify(manifest, identity)).rejects.toThrow(table);
        await writeFile(file, before);
      }
      expect((await verify(manifest, identity)).files).toBe(manifest.files.length);
    }
  });

  test('a backup is refused when its manifest is damaged or missing, or when its time is not valid', async () => {
    const manifest = await take();
    const file = join(folder, folderOf(manifest), 'manifest.json');
    await writeFile(file, '{"format": 1');
    await expect(readManifest(store, manifest)).rejects.toThrow('is damaged');
    await rm(file);
    await expect(readManifest(store, manifest)).rejects.toThrow();
    await expect(readManifest(store, { ...manifest, time: '../..' })).rejects.toThrow(
      'is not the time',
    );
    expect(await timesOf(store, 'cosmos')).toEqual([]);
  });
});

async function alter(file: string) {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

/**
 * Waits a second and takes a backup, because the name of a backup is the second in which it begins.
 */
async function takeAfterASecond(recipient: string | null) {
  await new Promise((resolve) => setTimeout(resolve, 1001));
  return take(recipient);
}

test('a backup is restored only into empty databases, and only by a program that has all migrations of the backup', async () => {
  await add(world.staging, 'business', { name: 'Sunrise' });
  const manifest = await take();
  const newer = {
    ...manifest,
    version: '9.0.0',
    migrations: [...manifest.migrations, 'app/9999-new.sql'],
  };
  await expect(restoreHere(newer)).rejects.toThrow('app/9999-new.sql');
  await add(world.production, 'city', { name: 'Pune', country: 'IN' });
  await expect(restoreHere(manifest)).rejects.toThrow('has rows');
});

test('a backup that fails halfway leaves no files in the backup store, except images', async () => {
  await fill(world);
  const failing: Objects = {
    ...store,
    put: async (key, ...rest) => {
      if (key.includes('/sts.')) throw new Error('The bucket is gone');
      return store.put(key, ...rest);
    },
  };
  const taking = takeBackup(world.staging, { store: failing, client: 'cosmos', recipient: null });
  await expect(taking).rejects.toThrow('The bucket is gone');
  const left = [];
  for await (const { key } of store.list('cosmos/')) if (!key.includes('/objects/')) left.push(key);
  expect(left).toEqual([]);
});

test('a backup leaves out columns that other programs added, and names them in its manifest', async () => {
  await world.staging.sql.query('alter table task add column of_others varchar(9) null');
  try {
    const manifest = await take();
    expect(manifest.columnsLeftOut).toEqual(['task.of_others']);
  } finally {
    await world.staging.sql.query('alter table task drop column of_others');
  }
});

test('backups that begin in the same second do not overwrite each other', async () => {
  await fill(world);
  const taken = await Promise.all([take(), take(), take()]);
  expect(new Set(taken.map(({ time }) => time)).size).toBe(3);
  for (const manifest of taken) await verifyBackup({ store, identity: null }, manifest);
  const again = await take();
  for (const manifest of [...taken, again]) await verifyBackup({ store, identity: null }, manifest);
});
