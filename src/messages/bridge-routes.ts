// Answers the servers of the other environments when they ask for a person’s messages. Only the messages of an open
// account are sent. The only change that another server can make is to mark messages as read.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { requireSharedToken } from '../access/bridge-token.ts';
import type { App } from '../environments/app.ts';
import { parsed } from '../problems.ts';
import * as inApp from './channels/in-app.ts';
import { known } from './elsewhere.ts';

const question = z.object({
  token: z.string().default(''),
  email: z.string().min(1).max(190),
  upTo: z.number().int().nonnegative().default(0),
});

type Asked = z.infer<typeof question>;

/**
 * Returns a handler that sends what `read` returns, or sends `none` if the person has no open account in this
 * environment.
 */
const answers = <T extends object>(read: (here: App, asked: Asked) => Promise<T>, none: T) =>
  async function answer(req: Request, res: Response) {
    const asked = parsed(question, req.body);
    await requireSharedToken(req, asked.token);
    const isOpen = await inApp.hasOpenAccount(req.here.sql, asked.email);
    res.json(isOpen ? await read(req.here, asked) : none);
  };

export const list = answers(
  async ({ sql: on }, { email }) => ({ messages: (await inApp.of(on, email)).map(known) }),
  { messages: [] },
);

export const unread = answers(
  async ({ sql: on }, { email }) => ({ unread: await inApp.unread(on, email) }),
  { unread: 0 },
);

export const markRead = answers(async ({ sql: on }, { email, upTo }) => {
  await inApp.markRead(on, email, upTo);
  return {};
}, {});
