// Handlers of the page of an account’s inbox, and of the attachments and long texts of its messages.
import { pipeline as stream } from 'node:stream/promises';
import type { Request, Response } from 'express';
import * as audit from '../audit/audit.ts';
import type { Queryable } from '../database/sql.ts';
import { NotFound } from '../problems.ts';
import { page } from '../web/pages.ts';
import { accountOf, textIn } from '../web/request.ts';
import { addressedAccount, pathPartOf } from './account-address.ts';
import type { InboxAccount } from './accounts.ts';
import { attachmentAt, type Attachment } from './attachments.ts';
import { excerptOf, messageView } from './message-view.ts';
import { messageAt, pageOfMessages } from './messages.ts';
import { formatOf, imagesAmong } from './pictures.ts';
import { partsOf } from './places.ts';
import { SEARCHED, searchMessages, type FoundMessages } from './search.ts';
import { pageOfThreads, threadById, type Thread } from './threads.ts';

/**
 * Returns a text for the page that says which messages of an account have not been migrated yet; null if all messages
 * have been migrated.
 */
type ArrivalText = (on: Queryable, account: number) => Promise<string | null>;

export const show = (arrivalText: ArrivalText) => async (req: Request, res: Response) => {
  const account = await addressedAccount(req.here, String(req.params['account']));
  const { sql: on } = req.here;
  const path = `/inbox/${pathPartOf(account)}`;
  const search = textIn(req.query, 'q').slice(0, 200);
  const isOpen = textIn(req.query, 'thread') !== '';
  // The URL parameter `before` says where a page of a list begins. While a thread is open, this list is the messages of
  // the thread, and not the search results.
  const found =
    search === ''
      ? null
      : await searchMessages(on, account.id, {
          search,
          before: isOpen ? null : placeIn(req, 'before'),
        });
  const threads = await pageOfThreads(on, account.id, {
    before: placeIn(req, 'older'),
    search,
    found: found?.items.map(({ thread_id: id }) => id) ?? [],
  });
  const thread = await chosenThread(req, account, search === '' ? threads.items[0] : undefined);
  const link = linker(path, { q: search, older: textIn(req.query, 'older') });
  await recordOpening(req, account, thread ? `thread ${thread.id}` : null);
  await page(req, res, 'inbox/inbox', {
    title: `Inbox of ${account.external_id}`,
    crumbs: [
      { text: 'Account migrations', href: '/account-moves' },
      { text: account.external_id, href: `/account-moves/${pathPartOf(account)}` },
      { text: 'Inbox' },
    ],
    owner: account,
    inboxHref: path,
    search,
    arriving: await arrivalText(on, account.id),
    threads: threads.items.map((one) => ({
      ...one,
      href: link({ thread: one.id }, '#messages'),
      isCurrent: one.id === thread?.id,
    })),
    olderThreads: threads.next && link({ older: threads.next, thread: thread?.id ?? '' }),
    thread: thread ?? null,
    messages: thread ? await messagesView(req, account, { thread, link, path }) : null,
    found: thread || !found ? null : foundView(found, { search, link }),
    backHref: search === '' ? null : link({ thread: '' }),
  });
};

/** Reads the position of an item from a link to this page; null if there is no valid position. */
function placeIn(req: Request, name: string): string | null {
  const place = textIn(req.query, name);
  return partsOf(place) ? place : null;
}

async function chosenThread(
  req: Request,
  account: InboxAccount,
  otherwise: Thread | undefined,
): Promise<Thread | undefined> {
  const id = textIn(req.query, 'thread');
  if (id === '') return otherwise;
  const thread = await threadById(req.here.sql, account.id, id);
  if (!thread) throw new NotFound('There is no such thread in this inbox.');
  return thread;
}

type LinkTo = (also: Record<string, string>, fragment?: string) => string;

/**
 * Returns a function that makes links to this page. The links keep the searched text and the position in the list of
 * threads.
 */
const linker =
  (path: string, kept: Record<string, string>): LinkTo =>
  (also, fragment = '') => {
    const pairs = Object.entries({ ...kept, ...also }).filter(([, value]) => value !== '');
    return `${path}?${new URLSearchParams(pairs).toString()}${fragment}`;
  };

type Shown = { thread: Thread; link: LinkTo; path: string };

async function messagesView(req: Request, account: InboxAccount, { thread, link, path }: Shown) {
  const from = placeIn(req, 'from');
  // The page must begin with the message at the position `from`, but `before` excludes the message at its own position.
  // “~” sorts after all characters of ids, so `from~` is just after that message.
  const before = from === null ? placeIn(req, 'before') : `${from}~`;
  const { sql: on, storage } = req.here;
  const { items, next } = await pageOfMessages(on, account.id, { thread: thread.id, before });
  const attachments = items.flatMap((message) => message.attachments);
  const images = await imagesAmong(storage, attachments);
  return {
    items: items.map((message) => messageView(message, { path, images })),
    newestHref: before === null ? null : link({ thread: thread.id }, '#messages'),
    olderHref: next && link({ thread: thread.id, before: next }, '#messages'),
  };
}

function foundView(
  { items, next, isCut }: FoundMessages,
  { search, link }: { search: string; link: LinkTo },
) {
  return {
    items: items.map((one) => ({
      ...one,
      excerpt: excerptOf(one, search),
      href: link({ thread: one.thread_id, from: one.position }, '#messages'),
    })),
    searched: isCut ? SEARCHED : null,
    olderHref: next && link({ before: next }, '#messages'),
  };
}

/** Records in the audit history who opened an inbox, because messages are private. */
const recordOpening = (req: Request, account: InboxAccount, detail: string | null) =>
  audit.write(req.here.sql, {
    person: accountOf(req).email,
    action: 'opened an inbox',
    subject: account.external_id,
    detail,
  });

/** Sends the whole text of a message, as plain text. */
export async function message(req: Request, res: Response) {
  const account = await addressedAccount(req.here, String(req.params['account']));
  const found = await messageAt(req.here.sql, account.id, String(req.params['position']));
  if (!found) throw new NotFound('There is no such message in this inbox.');
  await recordOpening(req, account, `thread ${found.thread_id}`);
  harmless(res);
  res.type('text/plain; charset=utf-8').send(found.body);
}

async function addressedAttachment(req: Request) {
  const account = await addressedAccount(req.here, String(req.params['account']));
  const { position = '', id = '' } = req.params as Record<string, string>;
  const attachment = await attachmentAt(req.here.sql, account.id, { position, id });
  if (attachment?.object == null) throw new NotFound('There is no such file in this inbox.');
  return { account, attachment, object: attachment.object };
}

/**
 * Sends an attachment as a file to download, whatever its media type was in the older system Conversations, from which
 * it was migrated.
 */
export async function attachment(req: Request, res: Response) {
  const { account, attachment: file, object } = await addressedAttachment(req);
  const content = await req.here.storage.read(object);
  await audit.write(req.here.sql, {
    person: accountOf(req).email,
    action: 'downloaded an attachment',
    subject: account.external_id,
    detail: file.name,
  });
  res.attachment(file.name || 'attachment');
  res.type('application/octet-stream');
  await send(res, file, content);
}

/** Sends an attachment for display in the page. Only content that really is an image is sent. */
export async function image(req: Request, res: Response) {
  const { attachment: file, object } = await addressedAttachment(req);
  const format = await formatOf(req.here.storage, file);
  if (format === null) throw new NotFound('This file is no image that browsers show.');
  const content = await req.here.storage.read(object);
  res.set('Cache-Control', 'private, max-age=3600');
  res.type(format);
  await send(res, file, content);
}

async function send(res: Response, { size }: Attachment, content: NodeJS.ReadableStream) {
  harmless(res);
  if (size !== null) res.set('Content-Length', String(size));
  await stream(content, res);
}

/** Sets headers that stop browsers from running content from outside as a page of this server. */
function harmless(res: Response) {
  res.set('Content-Security-Policy', "default-src 'none'; sandbox");
  res.set('X-Content-Type-Options', 'nosniff');
}
