import type { Request, Response } from 'express';
import { timeouts } from '../database/timeouts.ts';
import { newMessages } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as inApp from './channels/in-app.ts';
import { unreadableFrom, unreadElsewhere, type UnreadElsewhere } from './elsewhere.ts';

export async function index(req: Request, res: Response) {
  const { email } = accountOf(req);
  const [messages, elsewhere] = await Promise.all([
    inApp.of(req.here.sql, email),
    unreadElsewhere(req.house, email, timeouts.page),
  ]);
  await page(req, res, 'messages/list', {
    title: 'Messages',
    crumbs: [{ text: 'Messages' }],
    messages,
    elsewhere: elsewhere.map((one) => ({ ...one, text: unreadText(one) })),
    unreadable: unreadableFrom(req.house),
    hasUnread: messages.some(({ read_at: readAt }) => !readAt),
  });
}

function unreadText({ unread, trouble }: UnreadElsewhere): string {
  if (unread === null) return `Not known. ${trouble ?? 'It does not answer in time.'}`;
  return unread === 0 ? 'No new messages' : newMessages(unread);
}

export async function markRead(req: Request, res: Response) {
  const upTo = numberOrNull(req.form.text('up_to')) ?? 0;
  await inApp.markRead(req.here.sql, accountOf(req).email, upTo);
  res.redirect(303, '/messages');
}
