// The parsing of records of the older system Conversations: which fields are stored, and why a record is refused.
import { expect, test } from 'vitest';
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

test('parsing a valid message of the older system Conversations keeps the value of every field and all attachments', () => {
  expect(parse(message)).toEqual({ record: message, fault: null });
  const { attachments: _some, author: _author, ...least } = message;
  expect(parse(least).record).toMatchObject({ author: '', attachments: [] });
});

test('parsing a message of the older system Conversations leaves out unknown fields', () => {
  expect(parse({ ...message, sentiment: 0.5 }).record).toEqual(message);
});

test.each([
  ['is not JSON', '{"id":', 'It is no JSON.'],
  ['is not an object', null, 'The record'],
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
    'has a text instead of a list of attachments',
    { ...message, attachments: 'a.png' },
    'attachments: must be a list.',
  ],
  [
    'has an author of 301 characters',
    { ...message, author: '🙂'.repeat(301) },
    'author: must have',
  ],
  [
    'has two attachments with the same id',
    { ...message, attachments: [...message.attachments, ...message.attachments] },
    'attachments: two',
  ],
])('S4-45 a message that %s is refused with its reason', (_what, item, reason) => {
  expect(parse(item).fault).toContain(reason);
});

test('the length of a text is counted in characters, as MySQL does, so that an emoji counts as one', () => {
  expect(parse({ ...message, author: '🙂'.repeat(300) }).fault).toBeNull();
});

test('threads and channels of the older system Conversations may lack optional fields, such as the brand of a channel', () => {
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

test('positionIn reads the position from which the next page is requested from a record of Conversations, even from an invalid record', () => {
  expect(positionIn({ cursor: '', item: { position: message.position } })).toBe(message.position);
  expect(positionIn({ cursor: '', item: { position: 'yesterday' } })).toBeNull();
  expect(positionIn({ cursor: '', item: '{' })).toBeNull();
});
