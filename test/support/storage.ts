// Makes object stores for tests: a new folder, or a new bucket on the private S3 server that bin/test starts.
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { v7 as uuid } from 'uuid';
import type { S3Address, StorageAddress } from '../../src/storage/address.ts';
import type { Objects, StoredObject } from '../../src/storage/objects.ts';

export async function newFolder(): Promise<StorageAddress> {
  return { kind: 'folder', path: await mkdtemp(join(tmpdir(), 'oneway-storage-')) };
}

export async function newBucket(prefix = 'some/where/'): Promise<S3Address> {
  const address: S3Address = { ...s3Server(), bucket: `b-${uuid()}`, prefix };
  const client = clientOf(address);
  await client.send(new CreateBucketCommand({ Bucket: address.bucket }));
  client.destroy();
  return address;
}

/**
 * Returns the address of the S3 server that bin/test starts.
 * @throws an error that says how to start the S3 server, when it is not running
 */
function s3Server() {
  const given = process.env['TEST_S3_URL'];
  if (!given) {
    throw new Error(
      process.env['TEST_S3_PROBLEM'] ?? 'TEST_S3_URL is not set: run the tests with bin/test',
    );
  }
  const { origin, username: id, password: secret } = new URL(given);
  return { kind: 's3' as const, region: 'us-east-1', endpoint: origin, keys: { id, secret } };
}

export const clientOf = ({ region, endpoint, keys }: S3Address) =>
  new S3Client({
    region,
    endpoint: endpoint ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: keys?.id ?? '', secretAccessKey: keys?.secret ?? '' },
  });

/**
 * Stores a small object under each key. Into a bucket, a plain S3 client writes the objects, because writing them
 * through Oneway’s own code takes twice as long.
 */
export async function putMany(address: StorageAddress, objects: Objects, keys: string[]) {
  const { put, close } =
    address.kind === 's3'
      ? plainClient(address)
      : { put: (key: string) => objects.put(key, Buffer.from('x')), close: () => {} };
  const waiting = keys.values();
  const putSome = async () => {
    for (const key of waiting) await put(key);
  };
  await Promise.all(Array.from({ length: 16 }, putSome));
  close();
}

function plainClient(address: S3Address) {
  const client = clientOf(address);
  const { bucket: Bucket, prefix } = address;
  return {
    put: (key: string) =>
      client.send(new PutObjectCommand({ Bucket, Key: `${prefix}${key}`, Body: 'x' })),
    close: () => client.destroy(),
  };
}

export const textAt = async (objects: Objects, key: string) => text(await objects.read(key));

export async function all(list: AsyncIterable<StoredObject>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of list) keys.push(key);
  return keys;
}

const MEGABYTE = 1024 * 1024;

/** Yields `count` buffers of one megabyte. `at` is called before each buffer, and may wait or throw. */
export async function* megabytes(count: number, at: (index: number) => unknown = () => {}) {
  for (let index = 0; index < count; index += 1) {
    await at(index);
    yield Buffer.alloc(MEGABYTE, index);
  }
}
