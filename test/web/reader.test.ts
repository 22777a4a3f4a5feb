// Tests that pages refuse posted forms that are too large, compressed or malformed, from visitors and from signed-in
// people.
import { connect } from 'node:net';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import request from 'supertest';
import { useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const site = useSite(useWorld({ cleared: 'once' }), 'staging');
let server: Server;
let port = 0;
beforeAll(() => {
  server = site.app.listen(0);
  port = (server.address() as AddressInfo).port;
});
afterAll(() => void server.close());

const ours = (path: string) => request(server).post(path).set('Sec-Fetch-Site', 'same-origin');

/**
 * Returns the CPU time of a request in milliseconds, of the client and the server together. Unlike
 * elapsed time, CPU time does not depend on other programs.
 */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test('a huge list index posted by a visitor who is not signed in does not create a huge array (A1)', async () => {
  const post = () => ours('/catalog/task').field('a[49999999]', 'x');
  await post();
  // Creating such a huge array would take seconds.
  expect(await costOf(post)).toBeLessThan(500);
});

test('a sign-in form of 20,000 fields is refused before it is parsed (A2)', async () => {
  const body = Array.from({ length: 19_999 }, (_, index) => `a[${index}]=1`).join('&');
  expect((await ours('/sign-in').send(body)).status).toBe(413);
});

test('a sign-in form with too many fields is refused even if it has few bytes (A2)', async () => {
  expect((await ours('/sign-in').send('a=&'.repeat(100))).status).toBe(413);
});

test('a multipart form is refused by pages that take no images (A3)', async () => {
  expect((await ours('/sign-in').field('email', 'x')).status).toBe(415);
});

test('a form without a declared length is refused as soon as the received bytes exceed the limit (A3)', async () => {
  const before = process.memoryUsage.rss();
  const answer = await raw(
    `POST /sign-in HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `${(1024 * 1024).toString(16)}\r\n${'a'.repeat(1024 * 1024)}\r\n`.repeat(8),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
});

test('a compressed form is refused (A3)', async () => {
  expect((await ours('/sign-in').set('Content-Encoding', 'gzip').send('email=a')).status).toBe(415);
});

/** Sends raw bytes. Returns the response once the connection has ended or is silent. */
const raw = (head: string, body: string) =>
  new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const done = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1500, done);
    socket.on('data', (part) => (answer += part.toString()));
    socket.on('error', done).on('close', done);
    socket.write(head);
    socket.write(body);
  });

const broken: [string, string, string][] = [
  ['cut off', 'multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="a'],
  [
    'cut off in a field',
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nabc',
  ],
  [
    'cut off in a file',
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nabc',
  ],
  ['without a boundary', 'multipart/form-data', 'abc'],
  [
    'without a name',
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--',
  ],
  ['not in multipart format', 'multipart/form-data; boundary=x', 'abc'],
];
test.each(broken)(
  'a multipart form that is %s is answered with 400 (B6.8)',
  async (_how, type, body) => {
    const pm = await site.as('pm');
    const answer = await pm.postRaw('/catalog/banner', type, body);
    expect(answer.status).toBe(400);
  },
);
