// Tests uploads from browsers: files are streamed into storage, and a broken upload leaves nothing in storage.
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { connect, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Server } from 'node:http';
import { select, sql } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { endAbandoned, pulses, receive } from '../../src/datasets/receive.ts';
import * as uploads from '../../src/datasets/uploads.ts';
import type { Upload } from '../../src/datasets/uploads.ts';
import { openServer } from '../../src/web/connections.ts';
import { silences } from '../../src/web/form/upload.ts';
import { addDataset } from '../support/datasets.ts';
import { until } from '../support/jobs.ts';
import { fileHead, part, signInOver, tail, type } from '../support/multipart.ts';
import { useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging', { DATAFILE_LIMIT_MB: '20' });
const dana = useClient(site, 'dana');
let cities: Dataset;
let server: Server;

beforeAll(() => {
  server = openServer(site.app).listen(0);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  cities = await addDataset(site.here);
});

const send = async (content: Buffer, { name = 'cities.csv', token = '' } = {}) =>
  dana.postRaw(
    `/datasets/${cities.id}/uploads`,
    type,
    Buffer.concat([
      Buffer.from(part('csrf', token || (await dana.token())) + fileHead(name)),
      content,
      Buffer.from(tail),
    ]),
  );

const all = () => select<Upload>(site.here.sql, sql`select * from upload order by created_at`);
const objects = async () => {
  const found: string[] = [];
  for await (const { key } of site.here.storage.list('datafiles/')) found.push(key);
  return found;
};
const clearObjects = async () => {
  for (const key of await objects()) await site.here.storage.delete(key);
};
beforeEach(clearObjects);

test('S3-03 an upload stores the file byte for byte and requests the job that examines how to parse it', async () => {
  const content = Buffer.from('name,people\nPune,7\n');
  const answer = await send(content);
  expect(answer.status).toBe(303);
  const [upload] = await all();
  expect(answer.headers['location']).toBe(`/uploads/${upload?.id}`);
  const [file] = await select<{ sha256: string; size: number; object: string }>(
    site.here.sql,
    sql`select sha256, size, object from operations_datafile_registry`,
  );
  expect(file).toMatchObject({
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  });
  expect(await objects()).toEqual([file?.object]);
  const [job] = await select(site.here.sql, sql`select kind, state from job`);
  expect(job).toMatchObject({ kind: 'examine' });
});

test('an upload with a forged CSRF token or without a file stores nothing', async () => {
  expect((await send(Buffer.from('a\n1\n'), { token: 'forged' })).status).toBe(403);
  const empty = `${part('csrf', await dana.token())}${tail.trimStart()}`;
  const answer = await dana.postRaw(`/datasets/${cities.id}/uploads`, type, empty);
  expect([answer.status, /Choose a file/.test(answer.text)]).toEqual([422, true]);
  expect(await objects()).toEqual([]);
});

test('an upload form with two files is refused, so that the second file is not lost unnoticed', async () => {
  const two = `${part('csrf', await dana.token())}${fileHead('a.csv')}a\n1\n\r\n${fileHead('b.csv')}b\n2\n${tail}`;
  const answer = await dana.postRaw(`/datasets/${cities.id}/uploads`, type, two);
  expect([answer.status, /one file at a time/.test(answer.text)]).toEqual([422, true]);
  expect((await all())[0]).toMatchObject({ state: 'failed' });
  expect(await objects()).toEqual([]);
});

test('an upload form whose file has no name is refused with 422, as if no file was chosen', async () => {
  const head = fileHead('x')
    .replace('; filename="x"', '')
    .replace('text/csv', 'application/octet-stream');
  const nameless = `${part('csrf', await dana.token())}${head}a\n1${tail}`;
  const answer = await dana.postRaw(`/datasets/${cities.id}/uploads`, type, nameless);
  expect([answer.status, /Choose a file/.test(answer.text)]).toEqual([422, true]);
  expect(await objects()).toEqual([]);
});

test.each(['x'.repeat(3000), '../../etc/passwd', '<img src=x>.csv', 'a"b.csv'])(
  'an uploaded file called %.20s is stored under the id of its upload, and its name is escaped on pages',
  async (name) => {
    const answer = await send(Buffer.from('a\n1\n'), { name: name.replaceAll('"', '%22') });
    expect(answer.status).toBe(303);
    const [upload] = await all();
    expect(await objects()).toEqual([`datafiles/uploads/${upload?.id}`]);
    const page = await dana.get(`/datafiles/${upload?.datafile}`);
    expect([page.status, page.text.includes('<img src=x>')]).toEqual([200, false]);
    expect((await dana.get(`/datafiles/${upload?.datafile}/file`)).status).toBe(200);
  },
);

test('an upload keeps the characters of the file name, but drops the folder', async () => {
  await send(Buffer.from('a\n1\n'), { name: 'C:\\data\\Łódź “x” 🏙.csv' });
  expect((await all())[0]?.file_name).toBe('Łódź “x” 🏙.csv');
});

test('an upload above the size limit is refused with a message that names the limit, and nothing is stored', async () => {
  const answer = await send(randomBytes(21 * 1_000_000));
  expect([answer.status, /20 MB/.test(answer.text)]).toEqual([413, true]);
  expect(await objects()).toEqual([]);
});

/** Sends 5 MB of a file of 12 MB, and then stops. The caller decides how the connection ends. */
async function beginSending(): Promise<Socket> {
  const [cookie, token] = await signInOver(server);
  const head = Buffer.from(part('csrf', token) + fileHead('large.csv'));
  const length = head.length + 12_000_000 + tail.length;
  const socket = connect((server.address() as AddressInfo).port);
  socket.on('error', () => {});
  socket.write(
    `POST /datasets/${cities.id}/uploads HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n` +
      `Content-Type: ${type}\r\nContent-Length: ${length}\r\nSec-Fetch-Site: same-origin\r\n\r\n`,
  );
  socket.write(head);
  socket.write(Buffer.alloc(5_000_000, 'x,y\n'));
  await until(async () => (await all())[0]?.state === 'uploading');
  return socket;
}

test('an upload whose connection breaks records how much arrived, and nothing is stored', async () => {
  const socket = await beginSending();
  socket.destroy();
  const failed = await until(async () => {
    const [upload] = await all();
    return upload?.state === 'failed' && upload;
  });
  expect(failed.error).toMatch(/^\d(\.\d+)? MB of 12 MB arrived, then the connection broke/);
  expect(await objects()).toEqual([]);
  expect(await select(site.here.sql, sql`select id from operations_datafile_registry`)).toEqual([]);
});

test('an upload that sends no more bytes fails after a timeout, and nothing is stored', async () => {
  const before = silences.upload;
  silences.upload = 300;
  try {
    const socket = await beginSending();
    const failed = await until(async () => {
      const [upload] = await all();
      return upload?.state === 'failed' && upload;
    });
    expect(failed.error).toMatch(/No more of the file arrived/);
    expect(await objects()).toEqual([]);
    socket.destroy();
  } finally {
    silences.upload = before;
  }
});

test('an upload whose process died is ended by another process, which deletes the stored bytes', async () => {
  const id = await uploads.begin(site.here.sql, {
    dataset: cities.id,
    fileName: 'cities.csv',
    expected: 1000,
    person: 'dana@example.com',
  });
  await site.here.storage.put(`datafiles/uploads/${id}`, Buffer.from('half'));
  await select(site.here.sql, sql`update upload set changed_at = changed_at - interval 5 minute`);
  await endAbandoned(site.here);
  expect((await all())[0]).toMatchObject({ state: 'failed' });
  expect(await objects()).toEqual([]);
});

test('an upload that was given up as abandoned adds no data file when its last byte arrives later', async () => {
  const stuck = await begin();
  await select(site.here.sql, sql`update upload set changed_at = changed_at - interval 5 minute`);
  await endAbandoned(site.here);
  stuck.go();
  await expect(stuck.received).rejects.toMatchObject({ status: 503 });
  expect(await select(site.here.sql, sql`select id from operations_datafile_registry`)).toEqual([]);
  expect(await objects()).toEqual([]);
});

test('an upload whose bytes arrive slowly is not ended as abandoned', async () => {
  const before = pulses.upload;
  pulses.upload = 50;
  try {
    const stuck = await begin();
    await select(site.here.sql, sql`update upload set changed_at = changed_at - interval 5 minute`);
    await new Promise((go) => setTimeout(go, 300));
    await endAbandoned(site.here);
    stuck.go();
    await stuck.received;
    expect((await all())[0]?.state).toBe('uploaded');
  } finally {
    pulses.upload = before;
  }
});

/** Starts to receive a file that ends only when the test calls `go`. */
async function begin() {
  let go = () => {};
  const waiting = new Promise<void>((resolve) => (go = resolve));
  async function* parts() {
    yield Buffer.from('a\n1\n');
    await waiting;
  }
  const received = receive(
    site.here,
    { dataset: cities, person: 'dana@example.com' },
    { fileName: 'cities.csv', content: Readable.from(parts()), expected: null },
  );
  received.catch(() => {});
  await until(async () => (await all()).length === 1);
  return { go, received };
}
