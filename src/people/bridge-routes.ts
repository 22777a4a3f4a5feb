// Answers the servers of the other environments when they ask what this server knows about people. They can only read:
// no request from another server changes anything in this environment.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { countWrongToken, isOneOf } from '../access/bridge-token.ts';
import { parsed, Problem } from '../problems.ts';
import { accountOf, accounts } from './known-here.ts';

const question = z.object({
  token: z.string().default(''),
  email: z.string().max(190).optional(),
  countsStaying: z.boolean().default(false),
});

export async function known(req: Request, res: Response) {
  const { here, redis } = req;
  const { token, email, countsStaying } = parsed(question, req.body);
  if (!isOneOf(here.settings.peopleTokens, token)) {
    await countWrongToken(req, 'wrong people token');
    throw new Problem(401, `The token is not a PEOPLE_TOKEN of ${here.rules.inText}.`);
  }
  const people =
    email === undefined
      ? await accounts(here.sql)
      : await accountOf(here, redis, { email, countsStaying });
  res.json({ people });
}
