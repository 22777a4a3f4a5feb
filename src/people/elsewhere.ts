// Asks the servers of the other environments for their accounts. Servers only read from each other. To change an
// account, an administrator must sign in to the environment of the account.
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { ask, neighboursOf, type Answer, type Neighbour } from '../environments/neighbours.ts';
import {
  accountInFull,
  knownAccount,
  type AccountInFull,
  type AccountQuestion,
  type KnownAccount,
} from './known-here.ts';

/** Lists the accounts of the other environments. */
export const accountsElsewhere = (here: App): Promise<Answer<KnownAccount[]>[]> =>
  askAll(here, {}, z.array(knownAccount));

/**
 * Describes the account with this e-mail in each other environment; null for an environment without such an account.
 */
export const accountElsewhere = (
  here: App,
  question: AccountQuestion,
): Promise<Answer<AccountInFull | null>[]> => askAll(here, question, accountInFull.nullable());

/** Reads the account with this id in one other environment; null if this server knows no such environment. */
export async function accountIn(
  here: App,
  name: string,
  id: number,
): Promise<{ of: Neighbour; account: KnownAccount | null; unknown: string | null } | null> {
  const of = neighboursOf(here).find((one) => one.name === name);
  if (!of) return null;
  const { known, unknown } = await askAbout(here, of, { id }, knownAccount.nullable());
  return { of, account: known, unknown };
}

const askAll = <T extends z.ZodType>(here: App, fields: object, answer: T) =>
  Promise.all(neighboursOf(here).map((one) => askAbout(here, one, fields, answer)));

async function askAbout<T extends z.ZodType>(
  here: App,
  of: Neighbour,
  fields: object,
  answer: T,
): Promise<Answer<z.infer<T>>> {
  const schema = z.object({ people: answer });
  const all = await ask(here, of, { path: '/bridge/people', fields, schema });
  return all.unknown === null
    ? { ...all, known: (all.known as { people: z.infer<T> }).people }
    : { ...all, known: null };
}
