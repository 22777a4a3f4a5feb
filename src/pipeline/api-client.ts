// Reads this environment’s own API as any other client does: each request is signed, and the signature of each answer
// is verified.
import { client } from 'hawk';
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { Stopping } from '../jobs/interrupted.ts';
import { Problem, Unavailable } from '../problems.ts';
import type { PipelineSettings } from './settings.ts';

/** How many milliseconds the API may take for an answer. */
const TIMEOUT_MS = 60_000;

type Reader = { here: App; key: PipelineSettings['key'] };

/** The URL of a path on this environment’s own server. */
export const ownAddress = ({ settings, name }: App, path: string): string =>
  new URL(path, settings.urls[name]).href;

/**
 * Sends a signed GET request to the API; returns the JSON text of the answer.
 * @throws Unavailable when a retry may succeed, Problem when the API refuses the request
 */
export async function read({ here, key }: Reader, address: string): Promise<string> {
  if (new URL(address).origin !== new URL(ownAddress(here, '/')).origin) {
    throw new Problem(502, 'The API named a next page on another server. Nothing was read there.');
  }
  const { header, artifacts } = client.header(address, 'GET', { credentials: key });
  const { answer, text } = await fetched(here, address, header);
  if (!answer.ok) throw refusalOf(answer, text);
  try {
    const headers = Object.fromEntries(answer.headers);
    client.authenticate({ headers } as never, key, artifacts, { payload: text, required: true });
  } catch (error) {
    throw new Unavailable('An answer of the API has no valid signature.', { cause: error });
  }
  return text;
}

async function fetched(here: App, address: string, authorization: string) {
  const signal = AbortSignal.any([here.halt.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const answer = await fetch(address, {
      headers: { authorization },
      redirect: 'error',
      signal,
    });
    return { answer, text: await answer.text() };
  } catch (error) {
    if (here.halt.signal.aborted) throw new Stopping('This process stops; another one continues');
    throw new Unavailable(`The API at ${new URL(address).origin} does not answer.`, {
      cause: error,
    });
  }
}

function refusalOf({ status }: Response, text: string): Problem {
  const message = messageIn(text);
  if (status === 429 || status >= 500) {
    return new Unavailable(`The API answered ${status}: ${message}`);
  }
  const remedies: Record<number, string> = {
    401: 'An engineer checks PIPELINE_HAWK_ID and PIPELINE_HAWK_KEY.',
    403: 'The key of the pipeline needs the scope “pipeline”: make one on the page API keys.',
    410: 'Load the data file again: it becomes a new version.',
  };
  const remedy = remedies[status];
  return new Problem(
    status,
    `The API answered ${status}: ${message}${remedy === undefined ? '' : ` ${remedy}`}`,
  );
}

const errorSchema = z.object({ error: z.object({ message: z.string() }) });

function messageIn(text: string): string {
  try {
    return errorSchema.parse(JSON.parse(text)).error.message.slice(0, 500);
  } catch {
    return 'no reason that can be read.';
  }
}
