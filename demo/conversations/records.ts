// Generates the records of an invented account of Conversations. The same parameters always give the same records.
export type Wanted = {
  id: string;
  name: string;
  messages: number;
  /** How many messages a thread has. */
  perThread: number;
  /** One message in this many has an attachment; 0: no message has one. */
  attachmentEvery: number;
  /** The time of the newest message, and the time between two messages. */
  newest: Date;
  gapMs: number;
  /** The length to which each message’s text is padded or cut, in characters; 0: texts are not changed. */
  bodyLength: number;
  /** The URL of the media host that has the attachments, such as http://127.0.0.1:4005. */
  media: string;
  /**
   * Whether the account has the broken messages and unreadable attachments that `oddities` counts.
   */
  isOdd: boolean;
};

/** How many faulty records are among the newest 60 messages of an account with `isOdd`. */
export const oddities = {
  /**
   * Messages that are invalid: one has an unknown direction, one a list as its text, one a thread
   * id with spaces.
   */
  broken: 3,
  /**
   * Attachments that cannot be read: on a host that is down, not found, too large, and on a host that is not in
   * Oneway’s setting MEDIA_HOSTS.
   */
  unreadable: 4,
};

export const wanted = (given: Partial<Wanted> & { id: string }): Wanted => ({
  name: `Shop ${given.id}`,
  messages: 100,
  perThread: 5,
  attachmentEvery: 10,
  newest: new Date(),
  gapMs: 20 * 60 * 1000,
  bodyLength: 0,
  media: 'http://127.0.0.1:4005',
  isOdd: false,
  ...given,
});

export type Item = Record<string, unknown>;
export type MessageItem = Item & { account_id: string; position: string };
export type ThreadItem = Item & { account_id: string; id: string };

export const brandsOf = ({ id, name }: Wanted): Item[] => [
  { id: 'brand-1', name },
  { id: 'brand-2', name: `${name} “Outlet” – ${id}` },
];

/** An id that a JavaScript number cannot hold exactly. */
const LARGE_ID = 9_007_199_254_740_993n;

export const channelsOf = ({ id, isOdd }: Wanted): Item[] => [
  { id: 'web', brand_id: 'brand-1', kind: 'webchat', name: 'WebChat', address: `${id}.example` },
  {
    id: 'mail',
    brand_id: 'brand-1',
    kind: 'email',
    name: 'E-mail',
    address: `help@${id}.example`,
  },
  {
    id: isOdd ? LARGE_ID : 'sms',
    brand_id: 'brand-2',
    kind: 'sms',
    name: 'Text messages',
    address: '+49 30 1234567',
  },
];

/** The messages are given to this many threads in turn, so that the threads overlap in time. */
const AT_ONCE = 3;

const threadNumber = ({ perThread }: Wanted, index: number) =>
  Math.floor(index / (perThread * AT_ONCE)) * AT_ONCE + (index % AT_ONCE);
const threadId = (of: Wanted, index: number) => `t-${threadNumber(of, index)}`;

/** All threads, newest first. */
export function* threadItems(of: Wanted): Generator<ThreadItem> {
  const block = of.perThread * AT_ONCE;
  for (let first = 0; first < of.messages; first += block) {
    for (let index = first; index < Math.min(first + AT_ONCE, of.messages); index += 1) {
      const number = threadNumber(of, index);
      yield {
        account_id: of.id,
        id: threadId(of, index),
        channel_id: channelsOf(of)[number % 3]?.['id'],
        title: titles[number % titles.length],
        customer: customers[number % customers.length],
        last_at: timeAt(of, index),
      };
    }
  }
}

/** All messages, newest first. */
export function* messageItems(of: Wanted): Generator<MessageItem> {
  for (let index = 0; index < of.messages; index += 1) {
    const plain = plainMessage(of, index);
    yield of.isOdd ? { ...plain, ...odd(of, index) } : plain;
  }
}

function plainMessage(of: Wanted, index: number): MessageItem {
  const id = isLarge(of, index) ? LARGE_ID : `m-${String(of.messages - index).padStart(7, '0')}`;
  const hasAttachment = of.attachmentEvery > 0 && index % of.attachmentEvery === 0;
  const direction = index % 3 === 2 ? 'out' : 'in';
  return {
    account_id: of.id,
    position: `${timeAt(of, index)}#${id}`,
    id,
    thread_id: threadId(of, index),
    direction,
    author:
      direction === 'out'
        ? `Agent ${index % 4}`
        : customers[threadNumber(of, index) % customers.length],
    body: bodyAt(of, index),
    ...(hasAttachment && { attachments: [attachmentAt(of, index)] }),
  };
}

const isLarge = ({ isOdd }: Wanted, index: number) => isOdd && index === 3;

/**
 * Returns the time of a message. Every seventh message has the same millisecond as the message
 * before it.
 */
function timeAt({ newest, gapMs }: Wanted, index: number): string {
  const step = index % 7 === 1 ? index - 1 : index;
  return new Date(newest.getTime() - step * gapMs).toISOString();
}

function bodyAt({ bodyLength }: Wanted, index: number): string {
  const body = `${bodies[index % bodies.length]} (${index})`;
  return bodyLength === 0 ? body : body.padEnd(bodyLength, ' and so on').slice(0, bodyLength);
}

function attachmentAt({ id, media }: Wanted, index: number): Item {
  const isImage = index % 4 === 0;
  const name = isImage ? `photo-${index}.png` : `order “${index}”.txt`;
  const type = isImage ? 'image/png' : 'text/plain';
  return { id: `f-${index}`, name, type, url: `${media}/media/${id}/f-${index}` };
}

/** Returns the unusual or invalid fields that replace the plain fields of a message in an account with `isOdd`. */
function odd({ id, media }: Wanted, index: number): Item {
  const attached = (name: string, url: string) => ({
    attachments: [{ id: name, name: `${name}.pdf`, type: 'application/pdf', url }],
  });
  const odds: Record<number, Item> = {
    8: { body: `“It’s 5 o'clock” \\ <b>"now"</b> 👩‍👩‍👧‍👦 Ünïcödé \u2028 \u0000 ${'🎉'.repeat(20)}` },
    11: { body: 'x'.repeat(400_000) },
    12: { body: '' },
    20: { direction: 'sideways' },
    21: { body: ['no', 'text'] },
    22: { thread_id: 'no such id' },
    31: attached('dead', `http://${DEAD_HOST}/media/${id}/dead`),
    32: attached('missing', `${media}/media/${id}/missing`),
    33: attached('large', `${media}/media/${id}/large`),
    34: attached('foreign', `http://files.example.net/${id}/foreign`),
  };
  return odds[index] ?? {};
}

/** A media host that is down: nothing listens on this port. */
export const DEAD_HOST = '127.0.0.1:2';

const titles = [
  'Where is my order?',
  'Wrong size',
  'Invoice for October',
  'Refund of “Blue lamp”',
  'Öffnungszeiten?',
  'Damaged parcel 📦',
];
const customers = ['Ana Sousa', "Sinéad O'Brien", 'Ravi Kumar', '李雷', 'Jörg Müller', 'Zoë'];
const bodies = [
  'Hello, my parcel has not arrived yet.',
  'Thank you, I will wait until Friday.',
  'We have sent it to you again today.',
  'It is the one with the "blue" cover, isn’t it?',
  'Danke! 🙏',
  'Please find the picture attached.',
  'We refunded the amount; it takes three days.',
];
