// Tests an S3 store that is misconfigured, denies access, drops the connection or does not respond: each error names
// the solution, and no error counts as an absent object.
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { freePort } from '../../bin/programs.ts';
import type { S3Address } from '../../src/storage/address.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { s3Objects, s3Patience } from '../../src/storage/s3.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { all, clientOf, megabytes, newBucket, textAt } from '../support/storage.ts';

let address: S3Address;
let proxy: Proxy;
const opened: Objects[] = [];
beforeAll(() => {
  Object.assign(s3Patience, { connection: 1000, silence: 1500, memory: 0, attempts: 2 });
});
beforeEach(async () => {
  address = await newBucket();
  proxy = await openProxy(Number(new URL(address.endpoint ?? '').port));
});
afterEach(() => {
  for (const objects of opened.splice(0)) objects.close();
  proxy.close();
});

const open = (other: Partial<S3Address> = {}) => {
  const objects = s3Objects({ ...address, ...other });
  opened.push(objects);
  return objects;
};
const throughProxy = () => open({ endpoint: `http://127.0.0.1:${proxy.port}` });
const content = Buffer.from('content');

const everyQuestion: [string, (objects: Objects) => Promise<unknown>][] = [
  ['put', (objects) => objects.put('key', content)],
  ['put if absent', (objects) => objects.putIfAbsent('key', content)],
  ['put of a large stream', (objects) => objects.put('key', Readable.from(megabytes(20)))],
  ['read', (objects) => objects.read('key')],
  ['find', (objects) => objects.find('key')],
  ['list', (objects) => all(objects.list(''))],
  ['delete', (objects) => objects.delete('key')],
  ['removal of unfinished uploads', (objects) => objects.removeUnfinished(new Date())],
];

async function expectTrouble(other: Partial<S3Address>, message: RegExp) {
  const objects = open(other);
  for (const [name, ask] of everyQuestion) {
    const error = await ask(objects).then(
      () => ({ name, message: 'nothing was wrong' }),
      (problem: { status: number; message: string }) => problem,
    );
    expect({ name, ...error, message: error.message }).toMatchObject({
      status: 503,
      message: expect.stringMatching(message) as unknown,
    });
    expect(JSON.stringify(error) + error.message).not.toContain(address.keys?.secret);
  }
}

test('a wrong secret for the S3 store gives an error that names the settings to correct', async () => {
  const id = address.keys?.id ?? '';
  await expectTrouble(
    { keys: { id, secret: 'wrong' } },
    /STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY/,
  );
});

test('an unknown access key for the S3 store gives an error that names the settings to correct', async () => {
  await expectTrouble({ keys: { id: 'nobody', secret: 'x' } }, /STORAGE_ACCESS_KEY_ID/);
});

test('denied access to the S3 store gives an error that names the missing rights', async () => {
  const secret = address.keys?.secret ?? '';
  await expectTrouble({ keys: { id: 'stranger', secret } }, /denies access.*s3:PutObject/);
});

test('a missing bucket of the S3 store gives an error that names the bucket', async () => {
  await expectTrouble({ bucket: 'no-such-bucket' }, /bucket no-such-bucket .*does not exist/);
});

test('an S3 server that refuses connections gives an error that names the setting to correct', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  await expectTrouble({ endpoint }, /does not answer.*endpoint in STORAGE_URL/);
});

test('an unknown host of the S3 store gives an error', async () => {
  await expectTrouble(
    { endpoint: 'http://nowhere.invalid' },
    /has an unknown host|does not answer/,
  );
});

test('an S3 store that does not respond gives a 503 error after a timeout, and works again when the server responds', async () => {
  const objects = throughProxy();
  await objects.put('key', content);
  proxy.hang('answers');
  await expect(objects.find('key')).rejects.toMatchObject({
    status: 503,
    message: expect.stringContaining('does not answer') as unknown,
  });
  proxy.heal();
  expect(await textAt(objects, 'key')).toBe('content');
});

test('a read from S3 fails with 503 if the connection is cut halfway', async () => {
  const objects = throughProxy();
  await objects.put('large', Readable.from(megabytes(64)));
  const stream = await objects.read('large');
  let size = 0;
  const reading = (async () => {
    for await (const part of stream) {
      size += (part as Buffer).length;
      if (size > 1024 * 1024) proxy.cut();
    }
  })();
  await expect(reading).rejects.toMatchObject({ status: 503 });
  expect(size).toBeLessThan(64 * 1024 * 1024);
});

test('an upload to S3 is completed even if the server stops responding for half a second', async () => {
  const objects = throughProxy();
  const source = megabytes(40, (index) => {
    if (index !== 20) return;
    proxy.hang('both');
    setTimeout(() => proxy.heal(), 500);
  });
  expect(await objects.put('large', source)).toMatchObject({ size: 40 * 1024 * 1024 });
  expect(await objects.find('large')).toMatchObject({ size: 40 * 1024 * 1024 });
});

test('an upload to S3 whose connection is lost for good stores nothing, and the cleanup can remove its parts later', async () => {
  const objects = throughProxy();
  const dead = await freePort();
  const source = megabytes(40, (index) => {
    if (index === 20) {
      proxy.to(dead);
      proxy.cut();
    }
  });
  await expect(objects.put('large', source)).rejects.toMatchObject({ status: 503 });
  const direct = open();
  expect(await direct.find('large')).toBeNull();
  expect(await direct.removeUnfinished(new Date(Date.now() - 60_000))).toBe(0);
  expect(await direct.removeUnfinished(new Date(Date.now() + 60_000))).toBe(1);
  const client = clientOf(address);
  const Bucket = address.bucket;
  expect((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).toEqual(
    [],
  );
  client.destroy();
});

test('an S3 store with a prefix reads and writes only keys below that prefix', async () => {
  await open().put('key', content);
  const client = clientOf(address);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: address.bucket }));
  client.destroy();
  expect(Contents.map(({ Key }) => Key)).toEqual(['some/where/key']);
  expect(await all(open({ prefix: '' }).list(''))).toEqual(['some/where/key']);
  expect(await all(open({ prefix: 'some/other/' }).list(''))).toEqual([]);
});
