// The API with which apps read the migrated data of their account: channels, threads, messages and attachments.
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Invalid, NotFound } from '../problems.ts';
import { addressOf, channelView, messageView, threadView } from './api-view.ts';
import { attachmentAt, type Attachment } from './attachments.ts';
import { listChannels } from './channels.ts';
import { pageOfMessages } from './messages.ts';
import { placeBefore } from './places.ts';
import { reachedAccount } from './reach.ts';
import { pageOfThreads, threadById } from './threads.ts';

const querySchema = z.strictObject({ before: z.string().min(1).max(200).optional() });

function beforeIn({ query }: Request): string | null {
  const { data } = querySchema.safeParse(query);
  if (data) return placeBefore(data.before ?? null);
  throw new Invalid({ before: 'The query may have before, once: take it from the link “next”.' });
}

export async function channels(req: Request, res: Response) {
  const account = await reachedAccount(req);
  res.json({ items: (await listChannels(req.here.sql, account.id)).map(channelView) });
}

export async function threads(req: Request, res: Response) {
  const before = beforeIn(req);
  const { id, external_id: account } = await reachedAccount(req);
  const { items, next } = await pageOfThreads(req.here.sql, id, { before });
  sendPage(res, {
    items: items.map((one) => threadView(account, one)),
    next: nextOf(addressOf(account, 'threads'), next),
  });
}

export async function messages(req: Request, res: Response) {
  const before = beforeIn(req);
  const { id, external_id: account } = await reachedAccount(req);
  const named = String(req.params['thread']);
  const thread = await threadById(req.here.sql, id, named);
  if (!thread) throw new NotFound(`There is no thread ${named.slice(0, 64)} in this account.`);
  const { items, next } = await pageOfMessages(req.here.sql, id, { thread: thread.id, before });
  sendPage(res, {
    items: items.map((one) => messageView(account, one)),
    next: nextOf(addressOf(account, 'threads', thread.id, 'messages'), next),
  });
}

/** Returns the URL of the next page, which begins after the last item of the current page. */
const nextOf = (address: string, place: string | null) =>
  place === null ? null : `${address}?before=${encodeURIComponent(place)}`;

function sendPage(res: Response, page: { items: object[]; next: string | null }) {
  if (page.next !== null) res.set('Link', `<${page.next}>; rel="next"`);
  res.json(page);
}

/** Sends an attachment as a file to download, so that no browser displays its content. */
export async function attachment(req: Request, res: Response) {
  const { id } = await reachedAccount(req);
  const wanted = {
    position: String(req.params['position']),
    id: String(req.params['attachment']),
  };
  const found = await attachmentAt(req.here.sql, id, wanted);
  if (!found) throw new NotFound('There is no such attachment in this account.');
  if (found.object === null) throw new NotFound(absence(found));
  const content = await req.here.storage.read(found.object);
  res.attachment(found.name).type('application/octet-stream');
  res.set('X-Content-Type-Options', 'nosniff');
  if (found.size !== null) res.set('Content-Length', String(found.size));
  if (req.method === 'HEAD') content.destroy();
  await (req.method === 'HEAD' ? res.end() : pipeline(content, res));
}

const absence = ({ state, reason }: Attachment) =>
  state === 'waiting'
    ? 'This attachment has not arrived yet. Try again in a moment.'
    : `This attachment could not be read in the older system: ${reason ?? 'no reason is recorded'}.`;
