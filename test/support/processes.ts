// Starts servers and workers as real processes, and reads their logs.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bin/programs.ts';
import { surroundings } from './left-behind.ts';

export type Program = {
  url: string;
  child: ChildProcess;
  /** The process’s log, one object per line. */
  log(): object[];
  ended: Promise<{ code: number | null; signal: string | null }>;
};

type Variables = Record<string, string>;

/** Starts server.ts or worker.ts and waits until it is ready. */
export async function startProgram(
  file: 'server' | 'worker',
  variables: Variables,
  { isReady: waitsForAll } = { isReady: true },
): Promise<Program> {
  const port = await freePort();
  const child = spawn(process.execPath, [`src/${file}.ts`], {
    env: { ...surroundings(), ...variables, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (part) => (text += String(part)));
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  const url = `http://127.0.0.1:${port}`;
  const isReady = async () =>
    file === 'worker'
      ? text.includes('is at work')
      : (await fetch(`${url}/${waitsForAll ? 'readyz' : 'healthcheck'}`).catch(() => null))?.ok;
  for (let look = 0; !(await isReady()); look += 1) {
    if (look === 1200 || child.exitCode !== null) throw new Error(`${file} did not start: ${text}`);
    await sleep(50);
  }
  return {
    url,
    child,
    ended,
    log: () =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as object),
  };
}

/**
 * Signs in on one of the servers of an environment, and returns a client that uses this session on any server of the
 * environment.
 */
export async function signInTo(url: string, email: string, password: string) {
  const cookies = new Map<string, string>();
  const send = async (to: string, path: string, body?: Record<string, string>) => {
    const answer = await fetch(`${to}${path}`, {
      redirect: 'manual',
      headers: { Cookie: [...cookies.values()].join('; '), 'Sec-Fetch-Site': 'same-origin' },
      ...(body ? { method: 'POST', body: new URLSearchParams(body) } : {}),
    });
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ''] = set.split(';');
      cookies.set(pair.split('=')[0] ?? '', pair);
    }
    const text = await answer.text();
    return { status: answer.status, location: answer.headers.get('Location'), text };
  };
  const token = async (to: string, path = '/sign-in') =>
    /name="csrf" value="([^"]+)"/.exec((await send(to, path)).text)?.[1] ?? '';
  await send(url, '/sign-in', { csrf: await token(url), email, password });
  return {
    get: (to: string, path: string) => send(to, path),
    post: async (to: string, path: string, body: Record<string, string> = {}) =>
      send(to, path, { ...body, csrf: await token(to, '/messages') }),
  };
}
