// The JSON that the API returns for the channels, threads and messages of an inbox.
import { z } from 'zod';
import { fromSqlInstant } from '../database/sql.ts';
import type { Attachment } from './attachments.ts';
import type { Channel } from './channels.ts';
import type { InboxMessage } from './messages.ts';
import type { Thread } from './threads.ts';

const instant = z.string().meta({ format: 'date-time' });
const goneAt = instant
  .nullable()
  .meta({ description: 'When it was noticed that it was deleted in the older system.' });
const next = z.string().nullable().meta({ description: 'The next page; null on the last one.' });

const attachment = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string().meta({ description: 'As the older system names it; it may be wrong.' }),
  size: z.int().nullable(),
  state: z.enum(['waiting', 'stored', 'skipped']),
  reason: z.string().nullable().meta({ description: 'Why it was skipped.' }),
  href: z.string().nullable().meta({
    description: 'Its content, also while a later run fetches it again; null until it is stored.',
  }),
});
const channel = z.object({
  id: z.string(),
  kind: z.string(),
  name: z.string(),
  address: z.string(),
  brand: z.object({ id: z.string(), name: z.string() }).nullable(),
});
const thread = z.object({
  id: z.string(),
  channel_id: z.string(),
  title: z.string(),
  customer: z.string(),
  last_at: instant,
  gone_at: goneAt,
  messages: z.string().meta({ description: 'The address of its messages.' }),
});
const message = z.object({
  id: z.string(),
  thread_id: z.string(),
  sent_at: instant,
  direction: z.enum(['in', 'out']),
  author: z.string(),
  body: z.string(),
  attachments: z.array(attachment),
  gone_at: goneAt,
});

export const channelsSchema = z.object({ items: z.array(channel) });
export const threadsSchema = z.object({ items: z.array(thread), next });
export const messagesSchema = z.object({ items: z.array(message), next });

/** Returns the URL of an API resource that belongs to an account. */
export const addressOf = (account: string, ...parts: string[]) =>
  `/api/v1/accounts/${[account, ...parts].map(encodeURIComponent).join('/')}`;

const instantOrNull = (at: string | null) => (at === null ? null : fromSqlInstant(at));

export const channelView = (one: Channel): z.infer<typeof channel> => ({
  id: one.id,
  kind: one.kind,
  name: one.name,
  address: one.address,
  brand: one.brand_id === null ? null : { id: one.brand_id, name: one.brand ?? '' },
});

export const threadView = (account: string, one: Thread): z.infer<typeof thread> => ({
  id: one.id,
  channel_id: one.channel_id,
  title: one.title,
  customer: one.customer,
  last_at: fromSqlInstant(one.last_at),
  gone_at: instantOrNull(one.gone_at),
  messages: addressOf(account, 'threads', one.id, 'messages'),
});

export const messageView = (account: string, one: InboxMessage): z.infer<typeof message> => ({
  id: one.id,
  thread_id: one.thread_id,
  sent_at: one.sent_at,
  direction: one.direction,
  author: one.author,
  body: one.body,
  attachments: one.attachments.map((own) => attachmentView(account, own)),
  gone_at: instantOrNull(one.gone_at),
});

const attachmentView = (account: string, one: Attachment): z.infer<typeof attachment> => ({
  id: one.id,
  name: one.name,
  type: one.type,
  size: one.size,
  state: one.state,
  reason: one.reason,
  href:
    one.object !== null
      ? addressOf(account, 'messages', one.position, 'attachments', one.id)
      : null,
});
