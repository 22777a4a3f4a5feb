// The faults that the demo and the tests can switch on in the server of the invented publisher, such as cut
// connections.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

export const faultNames = [
  'not-found',
  'error',
  'cut',
  'short',
  'slow',
  'drip',
  'silent',
  'mute',
  'endless',
  'bomb',
  'redirect',
  'unsized',
] as const;
export type FaultName = (typeof faultNames)[number];

/**
 * `times`: how many times the fault happens; always by default. `to`: the URL to which a redirect
 * leads.
 */
export type Fault = { name: FaultName; times?: number; to?: string };

type Serve = (res: ServerResponse, content: Buffer, fault: Fault) => unknown;

const half = (content: Buffer) => content.subarray(0, Math.ceil(content.length / 2));
const announced = (res: ServerResponse, { length }: Buffer) =>
  res.writeHead(200, { 'Content-Type': 'text/csv', 'Content-Length': length });

/** How the server answers a request with each fault. */
export const faults: Record<FaultName, Serve> = {
  'not-found': (res) => res.writeHead(404).end('Not found\n'),
  error: (res) => res.writeHead(500).end('Internal error\n'),
  /** The connection breaks in the middle of the file. */
  cut: (res, content) => {
    announced(res, content).write(half(content), () => res.destroy());
  },
  /** The server closes the connection without an error, but after fewer bytes than it announced. */
  short: (res, content) => {
    announced(res, content).write(half(content), () => res.socket?.end());
  },
  slow: async (res, content) => {
    announced(res, content);
    const size = Math.ceil(content.length / 8);
    for (let from = 0; from < content.length; from += size) {
      res.write(content.subarray(from, from + size));
      await sleep(50);
    }
    res.end();
  },
  /** The server sends small pieces without end, so that the file never ends. */
  drip: async (res, content) => {
    res.writeHead(200, { 'Content-Type': 'text/csv' });
    while (!res.destroyed) {
      res.write(content.subarray(0, 80));
      await sleep(20);
    }
  },
  /** The server sends half of the file, then nothing more, and keeps the connection open. */
  silent: (res, content) => {
    announced(res, content).write(half(content));
  },
  /** The server does not answer at all. */
  mute: () => {},
  endless: async (res) => {
    res.writeHead(200, { 'Content-Type': 'text/csv' });
    await forever(res, Buffer.alloc(65_536, 'endless,'));
  },
  /**
   * A decompression bomb: each small compressed piece unpacks to 16 MB, and the answer does not
   * end.
   */
  bomb: async (res) => {
    res.writeHead(200, { 'Content-Type': 'text/csv', 'Content-Encoding': 'gzip' });
    await forever(res, gzipSync(Buffer.alloc(16 * 1024 * 1024)));
  },
  redirect: (res, _content, { to = '/' }) => res.writeHead(302, { Location: to }).end(),
  /**
   * The server announces no length and sends only half of the file, so that the client cannot see
   * that the rest is missing.
   */
  unsized: (res, content) => {
    res.shouldKeepAlive = false;
    res.useChunkedEncodingByDefault = false;
    res.removeHeader('Content-Length');
    res.writeHead(200, { 'Content-Type': 'text/csv' }).end(half(content));
  },
};

async function forever(res: ServerResponse, part: Buffer) {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  while (!res.destroyed) {
    const isTaken = res.write(part);
    if (!isTaken) {
      await once(res, 'drain', { signal: gone.signal }).catch(() => {});
    }
  }
}
