import { describe, expect, test } from 'vitest';
import { overlaps, storageAddress, type StorageAddress } from '../../src/storage/address.ts';
import { storageSettings } from '../../src/storage/settings.ts';

const keys = { id: 'id', secret: 'secret' };
const both = { destination: true, source: true };

test('the setting STORAGE_URL can name a folder', () => {
  expect(storageAddress('file:///srv/one%20way', keys)).toEqual({
    kind: 'folder',
    path: '/srv/one way',
  });
});

test('the setting STORAGE_URL can name an S3 bucket with prefix, region and endpoint', () => {
  const url = 's3://our-bucket/some/where/?region=eu-central-1&endpoint=https://s3.example.com/';
  expect(storageAddress(url, keys)).toEqual({
    kind: 's3',
    bucket: 'our-bucket',
    prefix: 'some/where/',
    region: 'eu-central-1',
    endpoint: 'https://s3.example.com',
    keys,
  });
  expect(storageAddress('s3://our-bucket', null)).toEqual({
    kind: 's3',
    bucket: 'our-bucket',
    prefix: '',
    region: 'us-east-1',
    endpoint: null,
    keys: null,
  });
});

test.each([
  ['/srv/oneway', 'must be a folder'],
  ['https://bucket.example.com', 'must be a folder'],
  ['file://elsewhere/srv', 'a folder of this machine'],
  ['s3://', 'lacks the name of a bucket'],
  ['s3://Bucket', 'lacks the name of a bucket'],
  ['s3://id:secret@bucket', 'must not hold keys'],
  ['s3://bucket?regoin=x', 'has no option regoin'],
  ['s3://bucket?endpoint=s3.example.com', 'has an endpoint'],
  ['s3://bucket?endpoint=https://id:secret@s3.example.com', 'has an endpoint'],
  ['s3://bucket/a%20b', 'has a prefix'],
  ['s3://bucket/a/../b/.c', 'has a prefix'],
])('the setting STORAGE_URL refuses the address %s with the message “%s”', (url, message) => {
  expect(storageAddress(url, keys)).toContain(message);
});

describe('settings of object stores', () => {
  test('by default, the object stores of the destination and of production have the address and the keys of this environment’s object store', () => {
    const { storage, wrong } = storageSettings(
      {
        STORAGE_URL: 's3://own',
        STORAGE_ACCESS_KEY_ID: 'id',
        UNI_DIR_DESTINATION_STORAGE_URL: '',
        STORAGE_SECRET_ACCESS_KEY: 'secret',
        REFRESH_SOURCE_STORAGE_URL: 's3://source',
      },
      both,
    );
    expect(wrong).toEqual([]);
    expect(storage.stores.destination).toEqual(storage.stores.own);
    expect(storage.stores.source).toMatchObject({ bucket: 'source', keys });
    expect(storage.sweepAfterDays).toBeNull();
  });

  test('the settings can give the destination of transfers an object store and keys of its own', () => {
    const { storage } = storageSettings(
      {
        STORAGE_URL: 'file:///own',
        UNI_DIR_DESTINATION_STORAGE_URL: 's3://there',
        UNI_DIR_DESTINATION_STORAGE_ACCESS_KEY_ID: 'id',
        UNI_DIR_DESTINATION_STORAGE_SECRET_ACCESS_KEY: 'secret',
      },
      both,
    );
    expect(storage.stores.destination).toMatchObject({ bucket: 'there', keys });
  });

  test('settings of object stores without an address or with half a key pair are refused', () => {
    expect(storageSettings({}, both).wrong).toEqual(['STORAGE_URL: is missing']);
    const half = { STORAGE_URL: 's3://own', STORAGE_ACCESS_KEY_ID: 'id' };
    expect(storageSettings(half, both).wrong).toEqual([
      'STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY: give both or none',
    ]);
  });

  test.each([
    [
      {
        UNI_DIR_DESTINATION_STORAGE_URL: 'file:///there',
        REFRESH_SOURCE_STORAGE_URL: 'file:///up',
      },
      [],
    ],
    [{}, ['UNI_DIR_DESTINATION_STORAGE_URL', 'REFRESH_SOURCE_STORAGE_URL']],
    [
      {
        UNI_DIR_DESTINATION_STORAGE_URL: 'file:///own/there',
        REFRESH_SOURCE_STORAGE_URL: 'file:///up',
      },
      ['UNI_DIR_DESTINATION_STORAGE_URL'],
    ],
  ])(
    'the cleanup of unused images is refused exactly for settings where another environment uses the same store: %j',
    (others, named) => {
      const variables = { STORAGE_URL: 'file:///own', STORAGE_SWEEP_AFTER_DAYS: '30', ...others };
      const { storage, wrong } = storageSettings(variables, both);
      expect(wrong.map((one) => /: (\w+) leads to/.exec(one)?.[1])).toEqual(named);
      expect(storage.sweepAfterDays).toBe(30);
    },
  );

  test.each(['0', '-1', '1.5', 'always'])(
    'the setting STORAGE_SWEEP_AFTER_DAYS refuses the grace period %s',
    (days) => {
      const variables = { STORAGE_URL: 'file:///own', STORAGE_SWEEP_AFTER_DAYS: days };
      expect(storageSettings(variables, { destination: false, source: false }).wrong).toEqual([
        'STORAGE_SWEEP_AFTER_DAYS: must be a number of days',
      ]);
    },
  );
});

test.each([
  ['file:///a', 'file:///a/', true],
  ['file:///a', 'file:///a/b', true],
  ['file:///a', 'file:///ab', false],
  ['s3://one', 's3://one/below', true],
  ['s3://one/a', 's3://one/b', false],
  ['s3://one?endpoint=http://h:1', 's3://one?endpoint=http://h:2', false],
])(
  'the check whether the storage addresses %s and %s overlap returns %s',
  (one, other, expected) => {
    const [first, second] = [one, other].map((url) => storageAddress(url, null) as StorageAddress);
    if (!first || !second) throw new Error('no address');
    expect(overlaps(first, second)).toBe(expected);
  },
);
