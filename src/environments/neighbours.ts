// Asks the servers of the other environments for data such as accounts and messages, over HTTP with the token that all
// environments share (PEOPLE_TOKEN).
import { z } from 'zod';
import type { App } from './app.ts';
import { ladder, rulesOf, type EnvironmentName } from './rules.ts';
import { timeouts } from '../database/timeouts.ts';

/** How many milliseconds a page waits for the other servers. Tests change the time. */
export const deadlines = { answer: 1000 };
const MOST_CHARACTERS = 4_000_000;

/** Another environment. `url`: the URL of its server. */
export type Neighbour = { name: EnvironmentName; label: string; inText: string; url: string };

/** The answer of another environment’s server (`known`), or the reason why there is no usable answer (`unknown`). */
export type Answer<T> = Neighbour &
  ({ known: T; unknown: null } | { known: null; unknown: string });

/** A request to another server: the path of its URL, the fields to post, and the schema of the expected answer. */
type Question<T extends z.ZodType> = { path: string; fields: object; schema: T };

/** The other environments whose servers have an address in the settings. */
export const neighboursOf = ({ name, settings }: App): Neighbour[] =>
  ladder.flatMap((other) => {
    const url = settings.urls[other];
    const { label, inText } = rulesOf(other);
    return other === name || url === undefined ? [] : [{ name: other, label, inText, url }];
  });

/** The last failure of each server, by its URL, and until when pages show it instead of asking again. */
const failures = new Map<string, { reason: string; until: number }>();

/** Asks one server, for at most a second. Never throws: after a failure, returns its reason as `unknown`. */
export async function ask<T extends z.ZodType>(
  { settings, log }: App,
  neighbour: Neighbour,
  { path, fields, schema }: Question<T>,
): Promise<Answer<z.infer<T>>> {
  const unknown = (reason: string) => ({ ...neighbour, known: null, unknown: reason });
  const [token] = settings.peopleTokens;
  if (token === undefined) return unknown('PEOPLE_TOKEN is not set on this server');
  try {
    const response = await fetch(new URL(path, neighbour.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...fields, token }),
      redirect: 'error',
      signal: AbortSignal.timeout(deadlines.answer),
    });
    failures.delete(neighbour.url);
    if (response.status === 401) {
      return unknown(remembered(neighbour, 'its server does not accept PEOPLE_TOKEN'));
    }
    if (!response.ok) return unknown(`its server answered ${response.status}`);
    const text = (await response.text()).slice(0, MOST_CHARACTERS);
    return { ...neighbour, known: schema.parse(JSON.parse(text)), unknown: null };
  } catch (error) {
    if (isUnreadable(error)) {
      log.warn({ server: neighbour.name, path }, 'the answer of another environment is unreadable');
      return unknown('its server, perhaps of another version, gave an answer that cannot be read');
    }
    log.warn({ err: error, server: neighbour.name, path }, 'another environment does not answer');
    return unknown(remembered(neighbour, 'its server does not answer'));
  }
}

function remembered({ url }: Neighbour, reason: string): string {
  failures.set(url, { reason, until: Date.now() + timeouts.memory });
  return reason;
}

/** Asks one server, unless it failed a short time ago. */
export async function askUnlessFailed<T extends z.ZodType>(
  here: App,
  neighbour: Neighbour,
  question: Question<T>,
): Promise<Answer<z.infer<T>>> {
  const { reason, until } = failures.get(neighbour.url) ?? { reason: '', until: 0 };
  if (until < Date.now()) return ask(here, neighbour, question);
  return { ...neighbour, known: null, unknown: reason };
}

/** Whether an answer does not have the expected form. Such an error may quote the answer, so it is not logged. */
const isUnreadable = (error: unknown) =>
  error instanceof SyntaxError || error instanceof z.ZodError;
