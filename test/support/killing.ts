import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { Here } from '../../src/environments/here.ts';
import { recover, sweepClaims } from '../../src/journal/recovery.ts';
import { select, sql } from '../../src/database/sql.ts';
import { roadFrom } from './rows.ts';

type Ended = { code: number | null; signal: string | null; said: string };

function transferElsewhere(
  variables: Record<string, string>,
  keys: RowKey[],
  at: { point: string; times?: number; signal: 'SIGKILL' | 'SIGSTOP' },
) {
  const script = fileURLToPath(new URL('kill-at.ts', import.meta.url));
  const short = JSON.stringify({ ...variables, TRANSFER_LEASE_MS: '100' });
  const words = [short, JSON.stringify(keys), at.point, String(at.times ?? 1), at.signal];
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (part) => (said += String(part)));
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, said }));
  });
  return { child, ended };
}

/** Transfers rows in a process that is killed at a point; answers whether it was killed. */
export async function transferKilledAt(
  variables: Record<string, string>,
  keys: RowKey[],
  point: string,
  times = 1,
): Promise<boolean> {
  const { ended } = transferElsewhere(variables, keys, { point, times, signal: 'SIGKILL' });
  const { code, signal, said } = await ended;
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the transfer failed: ${said}`);
  return signal === 'SIGKILL';
}

/** The same, but the process is only stopped; answers how to let it go on, to its end. */
export async function transferStoppedAt(
  variables: Record<string, string>,
  keys: RowKey[],
  point: string,
): Promise<() => Promise<Ended>> {
  const { child, ended } = transferElsewhere(variables, keys, { point, signal: 'SIGSTOP' });
  const isStopped = () => / T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  while (!isStopped()) await new Promise((resolve) => setTimeout(resolve, 20));
  return () => {
    child.kill('SIGCONT');
    return ended;
  };
}

const quiet = { info: () => {}, warn: () => {} };

/** What the server does every few seconds. */
export async function recoverNow(here: Here) {
  const { there, lease } = roadFrom(here);
  const recovering = { here, there, lease, log: quiet };
  await new Promise((resolve) => setTimeout(resolve, 120));
  await recover(recovering);
  await sweepClaims(recovering);
}

/** States of all transfers of a journal, in order; saves are left out. */
export async function statesOf(here: Here): Promise<string[]> {
  const lines = await select<{ state: string }>(
    here.sql,
    sql`select state from transfer where kind = 'transfer' order by number`,
  );
  return lines.map(({ state }) => state);
}

export async function claimsIn(here: Here): Promise<number> {
  return (await select(here.sql, sql`select * from claim`)).length;
}
