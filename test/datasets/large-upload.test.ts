// Tests a large upload whose connection breaks at 41.2%: the upload records how much arrived, and nothing is left in
// the folder or bucket. DATASET_UPLOAD_MB=1000 sends 412 MB of 1 GB.
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { readdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { select, sql } from '../../src/database/sql.ts';
import type { Upload } from '../../src/datasets/uploads.ts';
import type { S3Address, StorageAddress } from '../../src/storage/address.ts';
import { openServer } from '../../src/web/connections.ts';
import { addDataset } from '../support/datasets.ts';
import { until } from '../support/jobs.ts';
import { fileHead, part, signInOver, tail, type } from '../support/multipart.ts';
import { openSite, type Site } from '../support/people.ts';
import { clientOf, newBucket, newFolder } from '../support/storage.ts';
import { useWorld } from '../support/world.ts';

const megabytes = Number(process.env['DATASET_UPLOAD_MB'] ?? 25);
const whole = megabytes * 1_000_000;
const arriving = Math.round(whole * 0.412);

const world = useWorld();

const settingsFor = (address: StorageAddress): Record<string, string> => ({
  DATAFILE_LIMIT_MB: '2048',
  ...(address.kind === 'folder'
    ? { STORAGE_URL: `file://${address.path}` }
    : {
        STORAGE_URL: `s3://${address.bucket}/${address.prefix}?endpoint=${address.endpoint}`,
        STORAGE_ACCESS_KEY_ID: address.keys?.id ?? '',
        STORAGE_SECRET_ACCESS_KEY: address.keys?.secret ?? '',
      }),
});

/** Lists unfinished uploads in object storage: drafts in a folder, or multipart uploads in a bucket. */
async function unfinishedIn(address: StorageAddress): Promise<unknown[]> {
  if (address.kind === 'folder') return readdirSync(join(address.path, '.unfinished'));
  return unfinishedInBucket(address);
}

async function unfinishedInBucket(address: S3Address): Promise<unknown[]> {
  const client = clientOf(address);
  const { Uploads } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: address.bucket }),
  );
  client.destroy();
  return Uploads ?? [];
}

/** Announces a whole file, sends its first 41.2%, and closes the connection. */
async function sendPart(server: Server, dataset: number) {
  const [cookie, token] = await signInOver(server);
  const head = Buffer.from(part('csrf', token) + fileHead('large.csv'));
  const socket = connect((server.address() as AddressInfo).port);
  socket.on('error', () => {});
  const write = async (bytes: Buffer) => {
    if (!socket.write(bytes)) await new Promise((drained) => socket.once('drain', drained));
  };
  await write(
    Buffer.from(
      `POST /datasets/${dataset}/uploads HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n` +
        `Content-Type: ${type}\r\nContent-Length: ${head.length + whole + tail.length}\r\n` +
        'Sec-Fetch-Site: same-origin\r\n\r\n',
    ),
  );
  await write(head);
  const rows = Buffer.alloc(1_000_000, 'Pune,7\n');
  for (let left = arriving; left > 0; left -= rows.length) await write(rows.subarray(0, left));
  await sleep(500);
  socket.end();
}

describe.each([
  ['a folder', newFolder],
  ['a bucket', () => newBucket()],
])('a large upload into %s', (where, newStore) => {
  let address: StorageAddress;
  let site: Site;
  let server: Server;
  beforeAll(async () => {
    address = await newStore();
    site = await openSite(world, 'staging', settingsFor(address));
    server = openServer(site.app).listen(0);
    world.onClose(() => {
      server.closeAllConnections();
      server.close();
    });
  });

  test(`a large upload into ${where} whose connection breaks records how many bytes arrived and leaves no bytes in storage`, async () => {
    const { id } = await addDataset(site.here);
    await site.as('dana');
    await sendPart(server, id);
    const failed = await until(async () => {
      const [upload] = await select<Upload>(site.here.sql, sql`select * from upload`);
      return upload?.state === 'failed' && upload;
    });
    const [arrived, all] = [arriving / 1e6, megabytes === 1000 ? '1 GB' : `${megabytes} MB`];
    expect(failed.error).toContain(`${arrived} MB of ${all} arrived, then the connection broke.`);
    const objects = [];
    for await (const one of site.here.storage.list('')) objects.push(one);
    expect([objects, await unfinishedIn(address)]).toEqual([[], []]);
    const lines = sql`select id from operations_datafile_registry union all select number from job`;
    expect(await select(site.here.sql, lines)).toEqual([]);
  }, 600_000);
});
