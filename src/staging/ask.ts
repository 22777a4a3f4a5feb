// Sends HTTP requests to the server of a staging environment, from which staging databases can be ordered. Requests and
// responses are JSON.
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { Problem, Unavailable } from '../problems.ts';
import { BridgeProblem } from './bridge-problem.ts';
import { tokenOf, type StagingEnvironment } from './environments.ts';

/** How many milliseconds a staging server may take to respond. Tests shorten the time. */
export const deadlines = { answer: 10_000 };
const MOST_BYTES = 64 * 1024;

const refusal = z.object({
  error: z.object({ code: z.string(), message: z.string() }),
});

/**
 * Posts JSON, including the token, to a path of the staging server, and parses the response.
 * @throws Unavailable if the staging server does not respond or has an error that may pass; BridgeProblem if the
 * staging server refuses the request
 */
export async function ask<T extends z.ZodType>(
  here: App,
  environment: StagingEnvironment,
  { path, body, answer }: { path: string; body: object; answer: T },
): Promise<z.infer<T>> {
  const token = tokenOf(here, environment);
  if (token === null) {
    throw new Problem(
      422,
      `The token of ${environment.name} cannot be decrypted any more, because CREDENTIALS_KEY was changed. Enter the token again: Staging environments, ${environment.name}.`,
    );
  }
  const { status, json } = await post(environment, path, { token, ...body });
  if (status >= 200 && status < 300) {
    const parsed = answer.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new Unavailable(`${environment.url} does not answer as a staging server of Oneway does.`);
  }
  const refused = refusal.safeParse(json);
  const { code, message } = refused.data?.error ?? {
    code: 'unknown',
    message: `${environment.url} answered ${status}. Check the address of ${environment.name}.`,
  };
  if (status === 429 || status >= 500) throw new Unavailable(message);
  throw new BridgeProblem(status, code, message);
}

async function post({ url, name }: StagingEnvironment, path: string, body: object) {
  try {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(deadlines.answer),
    });
    const text = await response.text();
    return { status: response.status, json: jsonIn(text.slice(0, MOST_BYTES)) };
  } catch (error) {
    throw new Unavailable(
      `${name} (${url}) cannot be reached. It is asked again; if it stays away, an engineer looks at the server, and at its address here.`,
      { cause: error },
    );
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
