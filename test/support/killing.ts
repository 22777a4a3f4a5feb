import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { Here } from '../../src/environments/here.ts';
import { recover, sweepClaims } from '../../src/promotion/recovery.ts';
import { select, sql } from '../../src/database/sql.ts';
import { roadFrom } from './rows.ts';

/** Transfers rows in a process that is killed at a point; answers whether it was killed. */
export async function transferKilledAt(
  variables: Record<string, string>,
  keys: RowKey[],
  point: string,
  times = 1,
): Promise<boolean> {
  const script = fileURLToPath(new URL('kill-at.ts', import.meta.url));
  const short = JSON.stringify({ ...variables, TRANSFER_LEASE_MS: '100' });
  const child = spawn(
    process.execPath,
    [script, short, JSON.stringify(keys), point, String(times)],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (part) => (said += String(part)));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (...end) => resolve(end));
  });
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the transfer failed: ${said}`);
  return signal === 'SIGKILL';
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
