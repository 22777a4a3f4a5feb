// The command `oneway db migrate` upgrades the databases of one environment while no one else may use them. The command
// can be killed at any point and run again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { first, select, sql, transaction, type Queryable } from '../database/sql.ts';
import { migrate, refuseChanged } from '../database/migrate.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { createIndexes } from '../rows/indexes.ts';
import * as claims from '../writing/claims.ts';
import * as journal from '../writing/journal.ts';
import { failpoint } from '../database/failpoints.ts';
import { recover } from '../writing/recovery.ts';
import { Conflict, Problem } from '../problems.ts';
import { currentVersion } from '../version/db-version.ts';
import { readVersion, writeVersion } from '../version/metadata.ts';
import { TTL_MS } from '../version/compatibility.ts';
import { operator } from './operator.ts';
import { packImages } from '../database/image-bundles.ts';
import { slimSyncState } from './slim-sync-state.ts';

/** The version of a database without any migration. */
const NONE = '0.0.0';

export type Upgrade = {
  here: App;
  say: (line: string) => void;
  /** How many milliseconds to wait for running transfers to end. */
  waitMs?: number;
  /**
   * For how many milliseconds other processes may still use a cached value of `isUpdating`, the flag that closes the
   * databases to all users.
   */
  ttlMs?: number;
};

/**
 * Migrates the databases; returns the names of the migrations it applied.
 * @throws Conflict when another migration is running or the file of an applied migration was
 * changed, Problem when transfers do not end
 */
export async function upgrade({
  here,
  say,
  waitMs: patience = 600_000,
  ttlMs: kept = TTL_MS,
}: Upgrade): Promise<string[]> {
  const lock = await takeLock(here);
  try {
    await failpoint('upgrade lock');
    await refuseChanged(here.sql);
    const before = await readVersion(here.documents);
    const from = before?.databaseVersion ?? NONE;
    await setUpdating(here, from);
    await failpoint('upgrade flag');
    // Other processes cache the flag `isUpdating` for some seconds, and may still write until they read it again.
    if (before !== null) await sleep(kept);
    try {
      await waitUntilIdle(here, say, patience);
    } catch (error) {
      // If the flag `isUpdating` was set before this command began, it stays set: a migration may be half done, or a
      // person may have set the flag by hand.
      if (!before?.isUpdating) {
        await writeVersion(here.documents, { databaseVersion: from, isUpdating: false });
      }
      throw error;
    }
    await failpoint('upgrade quiet');
    // From here on, a failure leaves the databases closed to all users, because the schema is incomplete.
    const applied = await migrate(here.sql, here.documents, {
      step: () => failpoint('upgrade statement'),
    });
    await createIndexes(here.documents);
    await slimSyncState(here);
    await packImages(here);
    await failpoint('upgrade migrated');
    await writeVersion(here.documents, { databaseVersion: currentVersion(), isUpdating: false });
    await failpoint('upgrade version');
    return applied;
  } finally {
    // Closing the connection releases the lock against a second migration. MySQL closes it even if this process is
    // killed.
    lock.destroy();
  }
}

async function takeLock(here: App): Promise<PoolConnection> {
  const connection = await here.writers.getConnection();
  const line = await first<{ taken: number }>(
    connection,
    sql`select get_lock(concat('oneway-migrate-', database()), 0) as taken`,
  );
  if (line?.taken === 1) return connection;
  connection.destroy();
  const { by, since } = (await readVersion(here.documents)) ?? {};
  const who = by ? ` by ${by}, since ${since}` : '';
  throw new Conflict(`Another migration of ${rulesOf(here.name).inText} is under way${who}.`);
}

export const setUpdating = (here: App, databaseVersion: string) =>
  writeVersion(here.documents, {
    databaseVersion,
    isUpdating: true,
    since: new Date().toISOString(),
    by: operator(),
  });

/**
 * Waits until no row of this environment is claimed (being written) and no transfer is running. First finishes the
 * transfers of dead processes.
 */
async function waitUntilIdle(here: App, say: Upgrade['say'], patience: number) {
  if (!(await isMigrated(here.sql))) return;
  const until = Date.now() + patience;
  for (let said = ''; ;) {
    const lease = here.settings.lease.milliseconds;
    await recover({ here, there: here.destination, lease, log: silentLog });
    const busy = await openTransfers(here.sql);
    if (busy.length === 0) return;
    const line = `waiting for ${busy.join(', ')}`;
    if (line !== said) say(line);
    said = line;
    if (Date.now() > until) {
      throw new Problem(
        503,
        `These do not end: ${busy.join(', ')}. Nothing was migrated, and the door is as it was before. “oneway claims” shows what is held and can release it.`,
      );
    }
    await sleep(500);
  }
}

const silentLog = { info: () => {}, warn: () => {} };

const isMigrated = async (on: Queryable) =>
  (await first(
    on,
    sql`select 1 from information_schema.tables
         where table_schema = database() and table_name = 'clock'`,
  )) !== undefined;

async function openTransfers(on: Pool): Promise<string[]> {
  // A refresh sets no claims (marks that a row is being written). While it writes, it locks the row `gate` of the table
  // `clock` instead (see claims.ts). If this row is locked, a refresh is writing.
  const isFree = await transaction(on, claims.lockGate).then(() => true, refuseUnlessLocked);
  if (!isFree) return ['a refresh'];
  const held = await claims.heldClaims(on);
  const live = await select<{ number: number }>(
    on,
    sql`select number from transfer where state in (${journal.liveStates}) and state <> 'planned'`,
  );
  return [
    ...held.map(({ number, origin, person }) => `transfer ${number} from ${origin} (${person})`),
    ...live.map(({ number }) => `transfer ${number} from here`),
  ];
}

function refuseUnlessLocked(error: unknown): boolean {
  if ((error as { code?: string }).code === 'ER_LOCK_WAIT_TIMEOUT') return false;
  throw error;
}

/**
 * Clears the flag `isUpdating`, which closes the databases to all users, on a person’s request. Returns the recorded
 * version and flag as they were before.
 */
export async function clearUpdating(here: App) {
  const lock = await takeLock(here);
  try {
    const before = await readVersion(here.documents);
    if (before === null)
      throw new Problem(404, 'There is no version document. Run “oneway db migrate”.');
    await writeVersion(here.documents, {
      databaseVersion: before.databaseVersion,
      isUpdating: false,
    });
    return before;
  } finally {
    lock.destroy();
  }
}
