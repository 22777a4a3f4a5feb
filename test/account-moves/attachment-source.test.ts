import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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

/** A server that is not in MEDIA_HOSTS. It records the tokens that requests send to it. */
let elsewhere: { server: Server; host: string; asked: (string | undefined)[] };

beforeAll(async () => {
  Object.assign(patience, { attachment: 500 });
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

test('an attachment is fetched with a token that Oneway signs itself, and not with the token of an app (S4-60, S4-61)', async () => {
  expect((await fetch(urlOf('f-1'))).status).toBe(401);
  expect((await fetchIt('f-1')).equals(contentOf('a-1', 'f-1')?.body ?? Buffer.alloc(0))).toBe(
    true,
  );
});

test('the media server of the older system accepts the token of an app only for the attachments of its account (S4-60)', async () => {
  await older.add({ id: 'a-2', messages: 1 });
  const headers = { Authorization: `Bearer ${await older.shopperToken('a-1')}` };
  expect((await fetch(urlOf('f-1'), { headers })).status).toBe(200);
  expect((await fetch(`${older.url}/media/a-2/f-1`, { headers })).status).toBe(401);
});

describe('Oneway sends its token only to the hosts in MEDIA_HOSTS', () => {
  test.each([
    ['a host that is not listed', () => `http://${elsewhere.host}/f-1`],
    [
      'the listed host with another port',
      () => `http://127.0.0.1:${Number(new URL(older.url).port) + 1}/f-1`,
    ],
    [
      'a URL with a listed host as its user name',
      () => `http://${new URL(older.url).host}@${elsewhere.host}/f-1`,
    ],
    [
      'a host whose name begins with a listed host',
      () => `http://${new URL(older.url).host}.evil.example/f-1`,
    ],
    ['another name of a listed host', () => `http://localhost:${new URL(older.url).port}/f-1`],
    ['a file URL', () => 'file:///etc/passwd'],
    ['a text that is not a URL', () => 'f-1.png'],
    ['an empty URL', () => ''],
  ])('openAttachment sends no request and no token for an attachment at %s', async (_what, url) => {
    const before = older.requests.length;
    await expect(opening(url())).rejects.toMatchObject({
      fault: expect.stringMatching(/^(host-not-listed|refused)$/),
    });
    expect(elsewhere.asked).toEqual([]);
    expect(older.requests).toHaveLength(before);
  });

  test('openAttachment does not follow a redirect of a media host, even to a listed host', async () => {
    for (const to of [`http://${elsewhere.host}/f-1`, '/media/a-1/f-2']) {
      older.fail({ match: /f-1$/, name: 'redirect', to });
      const before = older.requests.length;
      await expect(opening(urlOf('f-1'))).rejects.toMatchObject({ fault: 'refused' });
      expect(older.requests).toHaveLength(before + 1);
      older.heal();
    }
    expect(elsewhere.asked).toEqual([]);
  });

  test('openAttachment sends no token to an http:// URL if the older system Conversations uses https://', async () => {
    const conversations = { ...older.moves.conversations, url: 'https://conversations.example' };
    const before = older.requests.length;
    await expect(opening(urlOf('f-1'), { conversations })).rejects.toMatchObject({
      fault: 'refused',
    });
    expect(older.requests).toHaveLength(before);
  });

  test('openAttachment compares hosts with MEDIA_HOSTS in lower case and without default ports', async () => {
    const mediaHosts = ['media.example.invalid'];
    const opened = opening('http://MEDIA.example.invalid:80/f-1', { mediaHosts });
    await expect(opened).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('fetching an attachment that can never be read fails with AttachmentMissing (S4-41)', () => {
  test.each([
    ['404', 'not-found'],
    ['410', 'not-found'],
  ] as const)(
    'when a media host answers %s, fetching an attachment fails with AttachmentMissing and the fault “%s”',
    async (name, fault) => {
      older.fail({ match: /media/, name });
      await expect(fetchIt('f-1')).rejects.toMatchObject({ fault });
    },
  );

  test('an attachment is refused before it is read if its announced length exceeds the limit', async () => {
    await expect(opening(urlOf('large'))).rejects.toMatchObject({ fault: 'too-large' });
  });

  test('the stream of an attachment without an announced length fails when it exceeds the limit', async () => {
    older.fail({ match: /media/, name: 'endless' });
    const content = await opening(urlOf('f-1'), { attachmentBytes: 3_000_000 });
    await expect(buffer(content)).rejects.toMatchObject({ fault: 'too-large' });
  });

  test('an attachment that is exactly as large as the limit is accepted', async () => {
    const { length = 0 } = contentOf('a-1', 'f-1')?.body ?? {};
    expect(await fetchIt('f-1', { attachmentBytes: length })).toHaveLength(length);
    await expect(fetchIt('f-1', { attachmentBytes: length - 1 })).rejects.toMatchObject({
      fault: 'too-large',
    });
  });
});

describe('fetching an attachment that can be read later fails with SourceFailed (S4-43)', () => {
  test.each([
    ['500', 'error'],
    ['throttle', 'throttled'],
    ['401', 'denied'],
    ['cut', 'cut'],
    ['hang', 'timeout'],
    ['silent', 'timeout'],
  ] as const)(
    'when a media host has the fault “%s”, fetching an attachment fails with SourceFailed and the code “%s”',
    async (name, code) => {
      older.fail({ match: /media/, name });
      await expect(fetchIt('f-1')).rejects.toMatchObject({ code });
    },
  );

  test('when a media host is down, fetching an attachment fails with SourceFailed and the code “unreachable”', async () => {
    const opened = opening(`http://${DEAD_HOST}/media/a-1/f-1`);
    await expect(opened).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('timeouts and cancellation while an attachment is fetched', () => {
  beforeEach(async () => {
    await older.add({ id: 'a-1', messages: 1 });
  });

  test('fetching an attachment does not time out while the code that reads its stream pauses', async () => {
    older.fail({ match: /media/, name: 'endless' });
    const content = await opening(urlOf('f-1'));
    const parts = content[Symbol.asyncIterator]();
    await parts.next();
    await sleep(2 * patience.attachment);
    expect((await parts.next()).done).toBe(false);
    content.destroy();
  });

  test('openAttachment aborts the request to the media host when the caller cancels', async () => {
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

test('a web page instead of an image is refused with the code “unreadable”, and the next attempt can read the image', async () => {
  older.fail({ match: /media/, name: 'garbage', count: 1 });
  await expect(opening(urlOf('f-4'), {}, 'image/png')).rejects.toMatchObject({
    code: 'unreadable',
    message: expect.stringContaining('a web page instead of image/png'),
  });
  (await opening(urlOf('f-4'), {}, 'image/png')).destroy();
});
