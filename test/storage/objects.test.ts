// Tests the behaviour of an object store, once with a folder and once with a real S3 server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageAddress } from '../../src/storage/address.ts';
import type { Objects } from '../../src/storage/objects.ts';
import {
  all,
  clientOf,
  megabytes,
  newBucket,
  newFolder,
  putMany,
  textAt,
} from '../support/storage.ts';
import { checksumOf, openObjects } from '../../src/storage/open.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const bytes = (content: string) => Buffer.from(content);

/** Counts uploads that were begun, but neither completed nor removed. */
async function leftovers(address: StorageAddress): Promise<number> {
  if (address.kind === 'folder') {
    return (await readdir(join(address.path, '.unfinished')).catch(() => [])).length;
  }
  const client = clientOf(address);
  const { Uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: address.bucket }),
  );
  client.destroy();
  return Uploads.length;
}

describe.each([
  ['a folder', newFolder],
  ['S3', newBucket],
])('an object store in %s', (_name, open) => {
  let address: StorageAddress;
  let objects: Objects;
  beforeAll(async () => {
    address = await open();
    objects = openObjects(address);
  });
  afterAll(() => objects.close());

  test('the object store returns an object unchanged, with its size and SHA-256', async () => {
    const stored = await objects.put('texts/one.txt', bytes('one'));
    expect(stored).toEqual({ size: 3, checksum: sha256('one') });
    expect(await textAt(objects, 'texts/one.txt')).toBe('one');
    expect(await objects.find('texts/one.txt')).toMatchObject({ key: 'texts/one.txt', size: 3 });
    expect(await checksumOf(objects, 'texts/one.txt')).toBe(sha256('one'));
  });

  test('the object store replaces an object, and stores an empty one', async () => {
    await objects.put('texts/two.txt', bytes('a long first text'));
    await objects.put('texts/two.txt', bytes(''));
    expect(await textAt(objects, 'texts/two.txt')).toBe('');
    expect(await objects.find('texts/two.txt')).toMatchObject({ size: 0 });
  });

  test('the object store answers null or 404 for an absent object, and deletes it without an error', async () => {
    expect(await objects.find('absent/none')).toBeNull();
    await expect(objects.read('absent/none')).rejects.toMatchObject({
      status: 404,
      message: 'There is no object "absent/none" in storage.',
    });
    await objects.delete('absent/none');
  });

  test('after the object store has deleted the object gone/deep/er, it can store an object with the key gone', async () => {
    await objects.put('gone/deep/er', bytes('x'));
    await objects.delete('gone/deep/er');
    expect(await objects.find('gone/deep/er')).toBeNull();
    await objects.put('gone', bytes('y'));
    expect(await textAt(objects, 'gone')).toBe('y');
    await objects.delete('gone');
  });

  test('exactly one of ten simultaneous uploads to the same key succeeds if each may store its object only while the key is free', async () => {
    const tries = Array.from({ length: 10 }, (_one, index) =>
      objects.putIfAbsent('race', bytes(String(index))),
    );
    const outcomes = await Promise.all(tries);
    const winners = outcomes.flatMap((stored, index) => (stored ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(await textAt(objects, 'race')).toBe(String(winners[0]));
    expect(await objects.putIfAbsent('race', bytes('late'))).toBeNull();
  });

  test('a large upload that must not replace another object stores nothing if another upload takes its key before the last byte', async () => {
    const late = objects.putIfAbsent(
      'large-race',
      megabytes(40, async (index) => {
        if (index === 39) await objects.put('large-race', bytes('first'));
      }),
    );
    expect(await late).toBeNull();
    expect(await textAt(objects, 'large-race')).toBe('first');
    expect(await leftovers(address)).toBe(0);
  });

  test('the object store stores and lists keys with special characters unchanged', async () => {
    const keys = [
      'a b',
      'a+b',
      'a%20b',
      'a%2Fb',
      'ä',
      'a\u0308',
      '日本語',
      '🙂',
      'a&b=c',
      'a?b',
      'a#b',
      'a"b',
      "a'b",
      'a<b>',
      'a|b',
      'a*b',
      'a:b',
      'a;b',
      'a,b',
      'a~b',
      'a^b',
      'a{b}',
      'a[b]',
      'a`b',
      'a$b',
      'a@b',
      '(a)',
      '!a',
      '-a',
      ' a ',
      'a.b',
      'A B',
    ].map((name) => `odd/${name}/${name}`);
    for (const key of keys) await objects.put(key, bytes(key));
    expect((await all(objects.list('odd/'))).toSorted()).toEqual(keys.toSorted());
    for (const key of keys) {
      expect(await textAt(objects, key)).toBe(key);
      expect(await objects.find(key)).toMatchObject({ key, size: Buffer.byteLength(key) });
    }
    for (const key of keys) await objects.delete(key);
    expect(await all(objects.list('odd/'))).toEqual([]);
  });

  test.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', '.hidden', 'a\\b', 'a\nb', '\ud800'])(
    'the object store refuses the invalid key %j',
    async (key) => {
      await expect(objects.put(key, bytes('x'))).rejects.toThrow('Not a key of an object');
      await expect(objects.read(key)).rejects.toThrow('Not a key of an object');
    },
  );

  test('the object store lists the keys that begin with a prefix in order, and continues after a given key', async () => {
    const keys = ['order/a-b', 'order/a/b', 'order/ab', 'order/b/1', 'order/b/2'];
    for (const key of keys.toReversed()) await objects.put(key, bytes('x'));
    expect(await all(objects.list('order/'))).toEqual(keys);
    expect(await all(objects.list('order/a'))).toEqual(['order/a-b', 'order/a/b', 'order/ab']);
    expect(await all(objects.list('order/b/'))).toEqual(['order/b/1', 'order/b/2']);
    expect(await all(objects.list('order/', { after: 'order/a/b' }))).toEqual(keys.slice(2));
    expect(await all(objects.list('order/', { after: 'order/a-b~' }))).toEqual(keys.slice(1));
    expect(await all(objects.list('nowhere/'))).toEqual([]);
  });

  test('the object store lists 10,000 keys', async () => {
    const keys = Array.from({ length: 10_000 }, (_one, index) => `many/${index % 7}/${index}`);
    await putMany(address, objects, keys);
    const listed = await all(objects.list('many/'));
    expect(listed).toHaveLength(10_000);
    expect(listed).toEqual(keys.toSorted());
    let seen = 0;
    for await (const _object of objects.list('many/3/')) if ((seen += 1) === 5) break;
    expect(seen).toBe(5);
  }, 300_000);

  test('the object store streams 100 MB in and out without holding them in memory', async () => {
    const hash = createHash('sha256');
    for await (const part of megabytes(100)) hash.update(part);
    const checksum = hash.digest('hex');
    // Measures only memory that is still in use, because the rest depends on the load of the
    // machine.
    const used = () => {
      collectGarbage();
      const { external, heapUsed } = process.memoryUsage();
      return external + heapUsed;
    };
    const before = used();
    let highest = before;
    async function* sampled(parts: AsyncIterable<unknown>) {
      let size = 0;
      for await (const part of parts) {
        size += (part as Buffer).length;
        if (size > 20 * 1024 * 1024) {
          highest = Math.max(highest, used());
          size = 0;
        }
        yield part;
      }
    }
    const stored = await objects.put('large', Readable.from(sampled(megabytes(100))));
    expect(stored).toEqual({ size: 100 * 1024 * 1024, checksum });
    const read = createHash('sha256');
    for await (const part of sampled(await objects.read('large'))) read.update(part as Buffer);
    expect(read.digest('hex')).toBe(checksum);
    expect((highest - before) / 1024 / 1024).toBeLessThan(75);
    await objects.delete('large');
  });

  test('the object store keeps nothing of an upload whose content stream fails halfway', async () => {
    const source = megabytes(50, (index) => {
      if (index === 40) throw new Error('the dump ended early');
    });
    await expect(objects.put('half', source)).rejects.toThrow('the dump ended early');
    expect(await objects.find('half')).toBeNull();
    expect(await leftovers(address)).toBe(0);
  });

  test('the object store keeps nothing of an upload that is aborted while its content stream sends no bytes', async () => {
    const stop = new AbortController();
    const source = Readable.from(
      megabytes(50, async (index) => {
        if (index === 40) await sleep(600_000, undefined, { signal: stop.signal, ref: false });
      }),
    );
    const upload = objects.put('stopped', source, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('the job was cancelled')), 1000);
    await expect(upload).rejects.toThrow();
    expect(await objects.find('stopped')).toBeNull();
    expect(await leftovers(address)).toBe(0);
  });

  test('the object store keeps the former object if its replacement fails', async () => {
    await objects.put('former', bytes('former'));
    const source = megabytes(2, () => {
      throw new Error('no source');
    });
    await expect(objects.put('former', source)).rejects.toThrow('no source');
    expect(await textAt(objects, 'former')).toBe('former');
  });

  test('the object store renews the date of an object when the same object is stored again', async () => {
    await objects.put('again', bytes('x'));
    const first = await objects.find('again');
    await sleep(1100);
    await objects.put('again', bytes('x'));
    const second = await objects.find('again');
    expect(Number(second?.modifiedAt)).toBeGreaterThan(Number(first?.modifiedAt));
  });
});
