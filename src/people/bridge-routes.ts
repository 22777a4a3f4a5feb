// Answers the servers of the other environments when they ask for the accounts of this environment. Other servers can
// only read: their requests change nothing in this environment.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { requireSharedToken } from '../access/bridge-token.ts';
import { parsed } from '../problems.ts';
import { accountOf, accounts, accountWithId } from './known-here.ts';

const question = z.object({
  token: z.string().default(''),
  id: z.number().int().optional(),
  email: z.string().max(190).optional(),
  countsStaying: z.boolean().default(false),
});

type Asked = z.infer<typeof question>;

export async function known(req: Request, res: Response) {
  const asked = parsed(question, req.body);
  await requireSharedToken(req, asked.token);
  res.json({ people: await answerTo(req, asked) });
}

function answerTo({ here, redis }: Request, { id, email, countsStaying }: Asked) {
  if (id !== undefined) return accountWithId(here.sql, id);
  return email === undefined
    ? accounts(here.sql)
    : accountOf(here, redis, { email, countsStaying });
}
