// Asks the servers of the other environments what they know about people. Servers only read from each other. To change
// an account, an administrator must sign in to the environment of the account.
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { ladder, rulesOf, type EnvironmentName } from '../environments/rules.ts';
import {
  accountInFull,
  knownAccount,
  type AccountInFull,
  type AccountQuestion,
  type KnownAccount,
} from './known-here.ts';

/** How many milliseconds a page waits for the other servers. Tests change the time. */
export const deadlines = { answer: 1000 };
const MOST_CHARACTERS = 4_000_000;

/** Another environment. `url`: the URL of its server. */
export type Neighbour = { name: EnvironmentName; label: string; inText: string; url: string };

/** The answer of another environment’s server (`known`), or the reason why there is no usable answer (`unknown`). */
export type Answer<T> = Neighbour &
  ({ known: T; unknown: null } | { known: null; unknown: string });

/** The other environments whose servers have an address in the settings. */
export const neighboursOf = ({ name, settings }: App): Neighbour[] =>
  ladder.flatMap((other) => {
    const url = settings.urls[other];
    const { label, inText } = rulesOf(other);
    return other === name || url === undefined ? [] : [{ name: other, label, inText, url }];
  });

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
  const { known, unknown } = await ask(here, of, {}, z.array(knownAccount));
  return { of, account: known?.find((one) => one.id === id) ?? null, unknown };
}

const askAll = <T extends z.ZodType>(here: App, question: object, answer: T) =>
  Promise.all(neighboursOf(here).map((one) => ask(here, one, question, answer)));

async function ask<T extends z.ZodType>(
  { settings, log }: App,
  neighbour: Neighbour,
  question: object,
  schema: T,
): Promise<Answer<z.infer<T>>> {
  const unknown = (reason: string) => ({ ...neighbour, known: null, unknown: reason });
  const [token] = settings.peopleTokens;
  if (token === undefined) return unknown('PEOPLE_TOKEN is not set on this server');
  try {
    const response = await fetch(new URL('/bridge/people', neighbour.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...question, token }),
      redirect: 'error',
      signal: AbortSignal.timeout(deadlines.answer),
    });
    if (response.status === 401) return unknown('its server does not accept PEOPLE_TOKEN');
    if (!response.ok) return unknown(`its server answered ${response.status}`);
    const text = (await response.text()).slice(0, MOST_CHARACTERS);
    const { people } = JSON.parse(text) as { people?: unknown };
    return { ...neighbour, known: schema.parse(people), unknown: null };
  } catch (error) {
    if (isUnreadable(error)) {
      log.warn({ server: neighbour.name }, 'what another environment says of people is unreadable');
      return unknown('its server, perhaps of another version, gave an answer that cannot be read');
    }
    log.warn({ err: error, server: neighbour.name }, 'people of another environment are not known');
    return unknown('its server does not answer');
  }
}

/** Whether an answer does not have the expected form. Such an error may quote the answer, so it is not logged. */
const isUnreadable = (error: unknown) =>
  error instanceof SyntaxError || error instanceof z.ZodError;
