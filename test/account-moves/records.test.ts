// Records of the older system: what is stored of them, and why others are dead letters.
import { expect, test } from '@jest/globals';
import {
  messagesOf,
  parseChannel,
  positionIn,
  threadsOf,
} from '../../src/account-moves/records.ts';

const message = {
  account_id: 'acc-1',
  position: '2026-11-20T10:11:12.123Z#m1',
  id: 'm1',
  thread_id: 't1',
  direction: 'in',
  author: 'Ana “the” O’Neil',
  body: "A smile 🙂, a quote ' and a \\",
  attachments: [
    { id: 'a1', name: 'photo.png', type: 'image/png', url: 'https://media.example/a1' },
  ],
};
const parse = messagesOf('acc-1');

test('a message is stored as it is, with its attachments', () => {
  expect(parse(message)).toEqual({ record: message, fault: null });
  const { attachments: _some, author: _author, ...least } = message;
  expect(parse(least).record).toMatchObject({ author: '', attachments: [] });
});

test('fields that are not known here are left out, and change nothing', () => {
  expect(parse({ ...message, sentiment: 0.5 }).record).toEqual(message);
});

test.each([
  ['is no JSON', '{"id":', 'It is no JSON.'],
  ['is no object', null, 'The record'],
  ['has no id', { ...message, id: undefined }, 'id: is missing.'],
  ['has another id than its position', { ...message, id: 'm2' }, 'id: is not the one in position.'],
  ['has a position without a time', { ...message, position: 'yesterday#m1' }, 'position: must be'],
  [
    'has a day that does not exist',
    { ...message, position: '2026-02-30T10:11:12.123Z#m1' },
    'position',
  ],
  ['belongs to another account', { ...message, account_id: 'ACC-1' }, 'account_id: is that of'],
  ['has an unknown direction', { ...message, direction: 'up' }, 'direction: must be in or out.'],
  [
    'has a text as attachments',
    { ...message, attachments: 'a.png' },
    'attachments: must be a list.',
  ],
  [
    'has an author of 301 characters',
    { ...message, author: '🙂'.repeat(301) },
    'author: must have',
  ],
  [
    'has two attachments of one id',
    { ...message, attachments: [...message.attachments, ...message.attachments] },
    'attachments: two',
  ],
])('S4-45 a message that %s is refused with its reason', (_what, item, reason) => {
  expect(parse(item).fault).toContain(reason);
});

test('lengths are counted in characters, as MySQL counts them', () => {
  expect(parse({ ...message, author: '🙂'.repeat(300) }).fault).toBeNull();
});

test('a thread and a channel are stored with what they have, and a channel needs no brand', () => {
  const thread = {
    account_id: 'acc-1',
    id: 't1',
    channel_id: 'c1',
    last_at: '2026-11-20T10:11:12.123Z',
  };
  expect(threadsOf('acc-1')(thread).record).toEqual({ ...thread, title: '', customer: '' });
  expect(threadsOf('acc-1')({ ...thread, last_at: '2026-11-20' }).fault).toContain(
    'last_at: must be',
  );
  const channel = { id: 'c1', kind: 'sms', name: 'Text', address: '+1 555' };
  expect(parseChannel(channel).record).toEqual(channel);
  expect(parseChannel({ ...channel, brand_id: null }).fault).toBeNull();
});

test('the position of a record is known also when the record cannot be stored', () => {
  expect(positionIn({ cursor: '', item: { position: message.position } })).toBe(message.position);
  expect(positionIn({ cursor: '', item: { position: 'yesterday' } })).toBeNull();
  expect(positionIn({ cursor: '', item: '{' })).toBeNull();
});
