// Starts a server, signs a person in, and loads pages from the server.
import { spawn } from 'node:child_process';
import { Agent, get } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, freePort } from '../../bin/programs.ts';
import type { App } from '../../src/environments/app.ts';
import { RUN_NODE } from './as-in-product.ts';
import { hire, password } from '../../test/support/people.ts';

export type Site = { url: string; cookie: string; pid: number; stop(): Promise<void> };

/** Starts a server process as `bin/serve` does, and signs a person in; by default a product manager. */
export async function serve(
  here: App,
  variables: Record<string, string>,
  role = 'pm',
): Promise<Site> {
  await hire(here, role);
  const port = await freePort();
  const own = { PORT: String(port), LOG_LEVEL: 'error', RECOVERY_EVERY_MS: '3600000' };
  const env = { ...process.env, NODE_ENV: 'production', ...variables, ...own };
  const site = await listening(RUN_NODE, ['src/server.ts'], { env }, port, '/healthcheck');
  return { ...site, cookie: await signIn(site.url, role) };
}

export async function listening(
  program: string,
  words: string[],
  options: { env: NodeJS.ProcessEnv; cwd?: string },
  port: number,
  path: string,
): Promise<Omit<Site, 'cookie'>> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url + path, { redirect: 'manual' }).catch(() => null);
    if (answer) break;
    if (tries === 100 || child.exitCode !== null || failed) {
      throw new Error(`${program} does not listen`, { cause: failed });
    }
    await sleep(200);
  }
  return { url, pid: child.pid ?? 0, stop: () => end(child) };
}

async function signIn(url: string, role: string): Promise<string> {
  const page = await fetch(`${url}/sign-in`);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const answer = await fetch(`${url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: cookiesOf(page), 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ email: `${role}@example.com`, password, csrf }),
  });
  return cookiesOf(answer);
}

const cookiesOf = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');

/** Loads a page, and returns its text, its length in bytes and the time of the request. */
export function load(site: Pick<Site, 'url' | 'cookie'>, path: string, agent?: Agent) {
  const begun = performance.now();
  return new Promise<{ bytes: number; milliseconds: number; text: string }>((resolve, reject) => {
    const headers = { cookie: site.cookie };
    get(site.url + path, { headers, ...(agent ? { agent } : {}) }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const all = Buffer.concat(parts);
        const milliseconds = performance.now() - begun;
        if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`));
        else resolve({ bytes: all.length, milliseconds, text: all.toString() });
      });
    }).once('error', reject);
  });
}

/** Measures how many pages per second a server sends over keep-alive connections. */
export async function pagesPerSecond(
  site: Pick<Site, 'url' | 'cookie'>,
  path: string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const begun = performance.now();
  const until = begun + seconds * 1000;
  let pages = 0;
  const worker = async () => {
    while (performance.now() < until) {
      await load(site, path, agent);
      pages += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const rate = pages / ((performance.now() - begun) / 1000);
  agent.destroy();
  return rate;
}
