// Runs work in processes that are killed or paused at a failpoint (a named step of a write), and runs the recovery
// afterwards.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { App } from '../../src/environments/app.ts';
import { liveStates } from '../../src/writing/journal.ts';
import { recover, sweepClaims } from '../../src/writing/recovery.ts';
import { select, sql } from '../../src/database/sql.ts';
import type { At, Order, Task } from './worker.ts';

export type Ended = { code: number | null; signal: string | null; said: string };
type Variables = Record<string, string>;

const script = fileURLToPath(new URL('worker.ts', import.meta.url));
const start = () => spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'pipe'] });

/** A process that waits for its task. It is started in advance, because starting it takes longer than the task. */
let ready: ChildProcess | null = null;

/**
 * Runs a task in another process. If the process dies, recovery may take its transfer over after only 100 ms (the lease
 * of the transfer), so that tests of recovery are fast.
 */
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

/** Kills the process that was started in advance. */
export function dismiss() {
  ready?.kill('SIGKILL');
  ready = null;
}

/** Runs a task in a process that is killed at a failpoint; returns whether it was killed. */
export async function killedAt(variables: Variables, task: Task, at: Omit<At, 'signal'>) {
  const { ended } = elsewhere({ variables, task, at: { ...at, signal: 'SIGKILL' } });
  const { code, signal, said } = await ended;
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`${task.do} failed: ${said}`);
  return signal === 'SIGKILL';
}

export const transferKilledAt = (variables: Variables, keys: RowKey[], point: string, times = 1) =>
  killedAt(variables, { do: 'transfer', keys }, { point, times });

/**
 * Runs a task in a process that is paused at a failpoint. Returns whether the process was paused, and a function that
 * resumes the process and waits for its end.
 */
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

/** Runs recovery once, as a server does every few seconds. */
export async function recoverNow(here: App) {
  const lease = here.settings.lease.milliseconds;
  const recovering = { here, there: here.destination, lease, log: quiet };
  await sleep(120);
  await recover(recovering);
  await sweepClaims(recovering);
}

/**
 * How often recovery is tried, because on a busy machine the connection of a killed process may keep its locks for some
 * seconds.
 */
const ROUNDS = 6;

/** Runs recovery until no transfer is running any more. */
export async function recoverAll(here: App) {
  for (let round = 0; round < ROUNDS; round += 1) {
    await recoverNow(here);
    const [live] = await select(
      here.sql,
      sql`select 1 from transfer where state in (${liveStates}) limit 1`,
    );
    if (!live) return;
    await sleep(500);
  }
}

/**
 * Reads the states of all transfers that an environment has recorded, in the order of their numbers. The same table
 * also contains saves and undos, which are left out.
 */
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
