import type { Request, Response } from 'express';
import { page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as inApp from './channels/in-app.ts';

export async function index(req: Request, res: Response) {
  const messages = await inApp.of(req.here.sql, accountOf(req).email);
  await page(req, res, 'messages/list', {
    title: 'Messages',
    crumbs: [{ text: 'Messages' }],
    messages,
    hasUnread: messages.some(({ read_at: readAt }) => !readAt),
  });
}

export async function markRead(req: Request, res: Response) {
  const upTo = numberOrNull(req.form.text('up_to')) ?? 0;
  await inApp.markRead(req.here.sql, accountOf(req).email, upTo);
  res.redirect(303, '/messages');
}
