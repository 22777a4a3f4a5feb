import { beforeAll, describe, expect, test } from 'vitest';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { asJson } from '../../demo/conversations/accounts.ts';
import { messageItems, oddities, wanted } from '../../demo/conversations/records.ts';
import { openAttachment } from '../../src/account-moves/attachment-source.ts';
import { certToken } from '../../src/account-moves/cert-token.ts';
import { accountThere, channelsThere } from '../../src/account-moves/conversations.ts';
import { patience } from '../../src/account-moves/patience.ts';
import { messagesOf } from '../../src/account-moves/records.ts';
import { NotFound, Unavailable } from '../../src/problems.ts';
import {
  openConversations,
  startConversationsProgram,
  useConversations,
} from '../support/conversations.ts';
import { openReceiver } from '../support/receiver.ts';

const older = useConversations();

beforeAll(async () => {
  Object.assign(patience, { account: 200, channels: 200 });
  await older.add({ id: 'a-1', name: 'Blue Lamps', messages: 60, isOdd: true });
});

const tokenOf = (headers: Record<string, unknown>) =>
  String(headers['authorization']).replace('Bearer ', '');
const lastAsked = () => {
  const asked = older.requests.at(-1);
  if (!asked) throw new Error('Nothing was asked');
  return asked;
};

describe('accountThere, which asks the older system Conversations about an account', () => {
  test('accountThere returns the name and the message count of an account that the older system Conversations knows (S4-11)', async () => {
    expect(await accountThere(older.moves, 'a-1')).toEqual({ name: 'Blue Lamps', messages: 60 });
  });

  test('accountThere returns null for an account that the older system Conversations does not know (S4-12)', async () => {
    expect(await accountThere(older.moves, 'a-2')).toBeNull();
  });

  test.each(['.', '..'])(
    'no request is sent to Conversations for the account id "%s", because the id would change the path of the URL',
    async (id) => {
      const before = older.requests.length;
      expect(await accountThere(older.moves, id)).toBeNull();
      expect(older.requests.length).toBe(before);
    },
  );

  test('accountThere escapes the account id in the URL', async () => {
    await older.add({ id: 'shop@example.com:1', messages: 1 });
    expect(await accountThere(older.moves, 'shop@example.com:1')).toMatchObject({ messages: 1 });
  });

  test('accountThere returns no message count if the older system Conversations does not report one', async () => {
    const account = await older.add({ id: 'uncounted', messages: 1 });
    Object.assign(older.accounts.get(account.id) ?? {}, { messageCount: null });
    expect(await accountThere(older.moves, 'uncounted')).toMatchObject({ messages: null });
  });

  test.each(['500', 'throttle', '401', 'hang', 'cut', 'garbage', 'redirect', 'silent'] as const)(
    'accountThere throws Unavailable, instead of returning null, when the older system Conversations has the fault “%s”',
    async (name) => {
      older.fail({ match: /accounts/, name });
      await expect(accountThere(older.moves, 'a-1')).rejects.toThrow(Unavailable);
      older.heal();
      expect(await accountThere(older.moves, 'a-1')).not.toBeNull();
    },
  );

  test('accountThere throws Unavailable when the older system Conversations answers with another account', async () => {
    older.accounts.set('a-3', { ...older.accounts.get('a-1'), id: 'a-4' } as never);
    await expect(accountThere(older.moves, 'a-3')).rejects.toThrow(Unavailable);
  });

  test('accountThere throws Unavailable when the older system Conversations does not run', async () => {
    const conversations = { ...older.moves.conversations, url: 'http://127.0.0.1:2' };
    await expect(accountThere({ ...older.moves, conversations }, 'a-1')).rejects.toThrow(
      Unavailable,
    );
  });
});

describe('channelsThere, which asks the older system Conversations for the channels of an account', () => {
  test('channelsThere gets channels in plain text from the API, although the older system Conversations stores them encrypted (S4-20, S4-21)', async () => {
    const { brands, channels } = await channelsThere(older.moves, 'a-1');
    expect(brands[0]).toEqual({ id: 'brand-1', name: 'Blue Lamps' });
    expect(channels[0]).toMatchObject({ id: 'web', brand_id: 'brand-1', kind: 'webchat' });
    expect(older.accounts.get('a-1')?.sealed.includes('webchat')).toBe(false);
  });

  test('channelsThere keeps every digit of a channel id above 2^53', async () => {
    const { channels } = await channelsThere(older.moves, 'a-1');
    expect(channels[2]).toMatchObject({ id: '9007199254740993' });
  });

  test('channelsThere throws NotFound when the older system Conversations does not know the account', async () => {
    await expect(channelsThere(older.moves, 'a-9')).rejects.toThrow(NotFound);
  });

  test.each(['500', 'hang', 'cut', 'garbage'] as const)(
    'channelsThere throws Unavailable when the older system Conversations has the fault “%s”',
    async (name) => {
      older.fail({ match: /get_channels/, name });
      await expect(channelsThere(older.moves, 'a-1')).rejects.toThrow(Unavailable);
    },
  );
});

describe('the token that Oneway sends to the older system Conversations', () => {
  test('the token that Oneway sends to the older system Conversations is signed with its key, names its certificate, and expires after 5 minutes (S4-61)', async () => {
    await accountThere(older.moves, 'a-1');
    const token = tokenOf(lastAsked().headers);
    const { iat = 0, exp = 0, aud } = decodeJwt(token);
    expect(exp - iat).toBe(300);
    expect(aud).toBe('conversations');
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256' });
    expect(decodeProtectedHeader(token)['x5t#S256']).toMatch(/^[\w-]{43}$/);
  });

  test.each([
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['EdDSA', generateKeyPairSync('ed25519')],
  ])(
    'the token that Oneway sends to the older system Conversations is signed with %s if its key is of that kind',
    async (algorithm, { privateKey, publicKey }) => {
      const conversations = { ...older.moves.conversations, key: privateKey };
      const token = await certToken({ conversations });
      const options = { algorithms: [algorithm], audience: 'conversations' };
      await expect(jwtVerify(token, publicKey, options)).resolves.toBeDefined();
    },
  );

  test('the older system Conversations refuses the token of an app for requests about accounts and channels', async () => {
    const Authorization = `Bearer ${await older.shopperToken('a-1')}`;
    for (const path of ['/accounts/a-1', '/get_channels_to_migrate?account_id=a-1']) {
      expect((await fetch(older.url + path, { headers: { Authorization } })).status).toBe(401);
    }
  });

  test('Oneway sends its token to no other server, even if the older system Conversations redirects to one', async () => {
    const elsewhere = await openReceiver();
    older.fail({ match: /accounts/, name: 'redirect', to: elsewhere.url });
    await expect(accountThere(older.moves, 'a-1')).rejects.toThrow(Unavailable);
    expect(elsewhere.received).toEqual([]);
    elsewhere.close();
  });

  test('the older system Conversations refuses a token that is signed with the key of a certificate that it does not know', async () => {
    const other = await openConversations();
    const Authorization = `Bearer ${await certToken(other.moves)}`;
    const answer = await fetch(`${older.url}/accounts/a-1`, { headers: { Authorization } });
    expect(answer.status).toBe(401);
    await other.close();
  });
});

test('a sample account with deliberate faults has as many broken messages and unreadable attachments as the constant oddities says', async () => {
  const parse = messagesOf('a-1');
  const items = [
    ...messageItems(wanted({ id: 'a-1', messages: 60, media: older.url, isOdd: true })),
  ];
  const parsed = items.map((item) =>
    parse(JSON.parse(asJson({ ...item, id: String(item['id']) }))),
  );
  expect(parsed.filter(({ fault }) => fault !== null)).toHaveLength(oddities.broken);
  const attachments = parsed.flatMap(({ record }) => record?.attachments ?? []);
  const opened = await Promise.allSettled(
    attachments.map(async (one) => {
      (await openAttachment(older.moves, one, new AbortController().signal)).destroy();
    }),
  );
  expect(opened.filter(({ status }) => status === 'rejected')).toHaveLength(oddities.unreadable);
});

test('the simulated older system Conversations also runs as a separate program, as bin/demo starts it', async () => {
  const program = await startConversationsProgram();
  const { newest } = await program.add({ id: 'a-1', messages: 30 });
  expect(newest).toBeInstanceOf(Date);
  expect(await accountThere(program.moves, 'a-1')).toMatchObject({ messages: 30 });
  await program.fail({ match: /accounts/, name: '500', count: 1 });
  await expect(accountThere(program.moves, 'a-1')).rejects.toThrow(Unavailable);
  expect(await accountThere(program.moves, 'a-1')).not.toBeNull();
  expect(decodeJwt(await program.shopperToken('a-1'))).toMatchObject({ account_id: 'a-1' });
  await program.close();
});
