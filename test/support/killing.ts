// Work in processes of their own that are killed or stopped on the way, and what recovery makes of it.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { App } from '../../src/environments/app.ts';
import { recover, sweepClaims } from '../../src/writing/recovery.ts';
import { select, sql } from '../../src/database/sql.ts';
import type { At, Order, Task } from './worker.ts';

export type Ended = { code: number | null; signal: string | null; said: string };
type Variables = Record<string, string>;

const script = fileURLToPath(new URL('worker.ts', import.meta.url));
const start = () => spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'pipe'] });

/** Started ahead: a process needs longer to start than to do its work. */
let ready: ChildProcess | null = null;

/** Lets a process of its own do something; a short lease makes it an orphan at once when it dies. */
export function elsewhere(order: Order) {
  const child = ready ?? start();
  ready = start();
  ready.unref();
  let said = '';
  child.ref();
  child.stderr?.on('data', (part) => (said += String(part)));
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, said }));
  });
  const variables = { ...order.variables, TRANSFER_LEASE_MS: '100' };
  child.stdin?.end(`${JSON.stringify({ ...order, variables })}\n`);
  return { child, ended };
}

/** Ends the process that waits for work. */
export function dismiss() {
  ready?.kill('SIGKILL');
  ready = null;
}

/** Does something in a process that is killed at a point; answers whether it was killed. */
export async function killedAt(variables: Variables, task: Task, at: Omit<At, 'signal'>) {
  const { ended } = elsewhere({ variables, task, at: { ...at, signal: 'SIGKILL' } });
  const { code, signal, said } = await ended;
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`${task.do} failed: ${said}`);
  return signal === 'SIGKILL';
}

export const transferKilledAt = (variables: Variables, keys: RowKey[], point: string, times = 1) =>
  killedAt(variables, { do: 'transfer', keys }, { point, times });

/** The same, but the process is only stopped; answers whether it was, and how to let it go on, to its end. */
export async function stoppedAt(variables: Variables, task: Task, at: Omit<At, 'signal'>) {
  const { child, ended } = elsewhere({ variables, task, at: { ...at, signal: 'SIGSTOP' } });
  const isStopped = () => / T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  while (child.exitCode === null && !isStopped()) await sleep(20);
  const goOn = (): Promise<Ended> => {
    child.kill('SIGCONT');
    return ended;
  };
  return { wasStopped: child.exitCode === null, goOn };
}

export async function transferStoppedAt(variables: Variables, keys: RowKey[], point: string) {
  return (await stoppedAt(variables, { do: 'transfer', keys }, { point, times: 1 })).goOn;
}

const quiet = { info: () => {}, warn: () => {} };

/** What the server does every few seconds. */
export async function recoverNow(here: App) {
  const lease = here.settings.lease.milliseconds;
  const recovering = { here, there: here.destination, lease, log: quiet };
  await sleep(120);
  await recover(recovering);
  await sweepClaims(recovering);
}

/** States of all transfers of a journal, in order; saves are left out. */
export async function statesOf(here: App): Promise<string[]> {
  const lines = await select<{ state: string }>(
    here.sql,
    sql`select state from transfer where kind = 'transfer' order by number`,
  );
  return lines.map(({ state }) => state);
}

export async function claimsIn(here: App): Promise<number> {
  return (await select(here.sql, sql`select * from claim`)).length;
}
