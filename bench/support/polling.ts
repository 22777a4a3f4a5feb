// Acts as many apps, each of which asks the API every five seconds how far the migration of its account is.
import { Agent, get } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 5000;

/** The URL of the server with the API, and the token of each app. */
export type Asked = { url: string; tokens: string[] };

/** Lets all apps poll until `stop` is called. `stop` returns how many milliseconds each answer took. */
export function startPolling({ url, tokens }: Asked): { stop(): Promise<number[]> } {
  const ended = new AbortController();
  const agent = new Agent({ keepAlive: true, scheduling: 'fifo', maxTotalSockets: tokens.length });
  const taken: number[] = [];
  const client = async (token: string, index: number) => {
    await pause((index * EVERY_MS) / tokens.length);
    while (!ended.signal.aborted) {
      const milliseconds = await poll(url, token, agent);
      taken.push(milliseconds);
      await pause(EVERY_MS - milliseconds);
    }
  };
  const pause = (milliseconds: number) =>
    sleep(Math.max(0, milliseconds), undefined, { signal: ended.signal }).catch(() => {});
  const all = Promise.all(tokens.map(client));
  // A failed poll must not end the process now: `stop` rejects with its error later.
  all.catch(() => {});
  return {
    stop: async () => {
      ended.abort();
      await all;
      agent.destroy();
      return taken;
    },
  };
}

function poll(url: string, token: string, agent: Agent): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    get(
      `${url}/api/v1/accounts`,
      { headers: { authorization: `Bearer ${token}` }, agent },
      (answer) => {
        answer.resume();
        answer.once('error', reject);
        answer.once('end', () => {
          if (answer.statusCode === 200) resolve(performance.now() - begun);
          else reject(new Error(`A poll was answered with ${answer.statusCode}`));
        });
      },
    ).once('error', reject);
  });
}
