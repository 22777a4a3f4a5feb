import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf } from '../../demo/conversations/media.ts';
import { DEAD_HOST } from '../../demo/conversations/records.ts';
import { openAttachment } from '../../src/account-moves/attachment-source.ts';
import { patience } from '../../src/account-moves/patience.ts';
import type { MoveSettings } from '../../src/account-moves/settings.ts';
import { Stopping } from '../../src/jobs/interrupted.ts';
import { useConversations } from '../support/conversations.ts';

const older = useConversations();
const never = new AbortController().signal;

/** Another server, which records what it is sent. */
let elsewhere: { server: Server; host: string; asked: (string | undefined)[] };

beforeAll(async () => {
  Object.assign(patience, { attachment: 200 });
  await older.add({ id: 'a-1', messages: 1 });
  const asked: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    asked.push(req.headers.authorization);
    res.end('elsewhere');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  elsewhere = { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
});
afterAll(() => {
  elsewhere.server.close();
});
afterEach(() => {
  elsewhere.asked.length = 0;
});

const urlOf = (id: string) => `${older.url}/media/a-1/${id}`;
const fetchIt = async (id: string, also: Partial<MoveSettings> = {}) =>
  buffer(
    await openAttachment({ ...older.moves, ...also }, { id, url: urlOf(id), type: '' }, never),
  );
const opening = (url: string, also: Partial<MoveSettings> = {}, type = '') =>
  openAttachment({ ...older.moves, ...also }, { id: 'f-1', url, type }, never);

test('fetches an attachment with our certified token, without one of a shopper (S4-60, S4-61)', async () => {
  expect((await fetch(urlOf('f-1'))).status).toBe(401);
  expect((await fetchIt('f-1')).equals(contentOf('a-1', 'f-1')?.body ?? Buffer.alloc(0))).toBe(
    true,
  );
});

test('the media service accepts the token of a shopper for the account of that shopper only (S4-60)', async () => {
  await older.add({ id: 'a-2', messages: 1 });
  const headers = { Authorization: `Bearer ${await older.shopperToken('a-1')}` };
  expect((await fetch(urlOf('f-1'), { headers })).status).toBe(200);
  expect((await fetch(`${older.url}/media/a-2/f-1`, { headers })).status).toBe(401);
});

describe('the token goes to the listed hosts only', () => {
  test.each([
    ['another host', () => `http://${elsewhere.host}/f-1`],
    [
      'the listed host with another port',
      () => `http://127.0.0.1:${Number(new URL(older.url).port) + 1}/f-1`,
    ],
    [
      'a listed host as the name of a user',
      () => `http://${new URL(older.url).host}@${elsewhere.host}/f-1`,
    ],
    ['a listed host in a longer name', () => `http://${new URL(older.url).host}.evil.example/f-1`],
    ['another name of this machine', () => `http://localhost:${new URL(older.url).port}/f-1`],
    ['no web address', () => 'file:///etc/passwd'],
    ['nonsense', () => 'f-1.png'],
    ['no address', () => ''],
  ])('%s', async (_what, url) => {
    const before = older.requests.length;
    await expect(opening(url())).rejects.toMatchObject({
      fault: expect.stringMatching(/^(host-not-listed|refused)$/),
    });
    expect(elsewhere.asked).toEqual([]);
    expect(older.requests).toHaveLength(before);
  });

  test('a redirect is refused, also to a listed host', async () => {
    for (const to of [`http://${elsewhere.host}/f-1`, '/media/a-1/f-2']) {
      older.fail({ match: /f-1$/, name: 'redirect', to });
      const before = older.requests.length;
      await expect(opening(urlOf('f-1'))).rejects.toMatchObject({ fault: 'refused' });
      expect(older.requests).toHaveLength(before + 1);
      older.heal();
    }
    expect(elsewhere.asked).toEqual([]);
  });

  test('not without encryption, where Conversations is encrypted', async () => {
    const conversations = { ...older.moves.conversations, url: 'https://conversations.example' };
    const before = older.requests.length;
    await expect(opening(urlOf('f-1'), { conversations })).rejects.toMatchObject({
      fault: 'refused',
    });
    expect(older.requests).toHaveLength(before);
  });

  test('hosts are compared without regard to capitals, and default ports are left out', async () => {
    const mediaHosts = ['media.example.invalid'];
    const opened = opening('http://MEDIA.example.invalid:80/f-1', { mediaHosts });
    await expect(opened).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('an attachment that cannot be read now or ever is missing (S4-41)', () => {
  test.each([
    ['404', 'not-found'],
    ['410', 'not-found'],
  ] as const)('%s', async (name, fault) => {
    older.fail({ match: /media/, name });
    await expect(fetchIt('f-1')).rejects.toMatchObject({ fault });
  });

  test('too large by its announced length: nothing of it is read', async () => {
    await expect(opening(urlOf('large'))).rejects.toMatchObject({ fault: 'too-large' });
  });

  test('too large without an announced length: the stream fails', async () => {
    older.fail({ match: /media/, name: 'endless' });
    const content = await opening(urlOf('f-1'), { attachmentBytes: 3_000_000 });
    await expect(buffer(content)).rejects.toMatchObject({ fault: 'too-large' });
  });

  test('exactly as large as the limit is not too large', async () => {
    const { length = 0 } = contentOf('a-1', 'f-1')?.body ?? {};
    expect(await fetchIt('f-1', { attachmentBytes: length })).toHaveLength(length);
    await expect(fetchIt('f-1', { attachmentBytes: length - 1 })).rejects.toMatchObject({
      fault: 'too-large',
    });
  });
});

describe('an attachment that may be read later is a failure of the source (S4-43)', () => {
  test.each([
    ['500', 'error'],
    ['throttle', 'throttled'],
    ['401', 'denied'],
    ['cut', 'cut'],
    ['hang', 'timeout'],
    ['silent', 'timeout'],
  ] as const)('%s → %s', async (name, code) => {
    older.fail({ match: /media/, name });
    await expect(fetchIt('f-1')).rejects.toMatchObject({ code });
  });

  test('a host that is down', async () => {
    const opened = opening(`http://${DEAD_HOST}/media/a-1/f-1`);
    await expect(opened).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('waiting', () => {
  beforeEach(async () => {
    await older.add({ id: 'a-1', messages: 1 });
  });

  test('a storage that takes its time is no silence of the host', async () => {
    older.fail({ match: /media/, name: 'endless' });
    const content = await opening(urlOf('f-1'));
    const parts = content[Symbol.asyncIterator]();
    await parts.next();
    await sleep(2 * patience.attachment);
    expect((await parts.next()).done).toBe(false);
    content.destroy();
  });

  test('ends the request when nobody wants the content any more', async () => {
    const fault = older.fail({ match: /media/, name: 'hang' });
    const end = new AbortController();
    const opened = openAttachment(
      older.moves,
      { id: 'f-1', url: urlOf('f-1'), type: '' },
      end.signal,
    );
    while (fault.hits === 0) await sleep(5);
    end.abort();
    await expect(opened).rejects.toThrow(Stopping);
  });
});

test('a web page in place of a picture is not taken for it, and the attachment is tried again', async () => {
  older.fail({ match: /media/, name: 'garbage', count: 1 });
  await expect(opening(urlOf('f-4'), {}, 'image/png')).rejects.toMatchObject({
    code: 'unreadable',
    message: expect.stringContaining('a web page instead of image/png'),
  });
  (await opening(urlOf('f-4'), {}, 'image/png')).destroy();
});
