// Prepares the accounts of a new wave (a set of accounts that are migrated in the background): adds accounts that
// Oneway does not know yet, and finds accounts that are in another wave.
import { insertLines } from '../database/bulk.ts';
import { first, select, sql, toSqlInstant, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict } from '../problems.ts';

/** How many accounts one SQL statement names. */
const CHUNK = 1000;

const chunksOf = (ids: string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_none, index) =>
    ids.slice(index * CHUNK, (index + 1) * CHUNK),
  );

/** How many seconds the addition of a wave waits while another wave is being added. */
const PATIENCE_S = 10;

/**
 * Adds one migration wave (a list of accounts to migrate) at a time, so that two waves added at the same moment
 * cannot contain the same account.
 * @throws Conflict when the addition of another wave takes too long
 */
export async function oneAtATime<T>(here: App, work: () => Promise<T>): Promise<T> {
  const lock = await here.sql.getConnection();
  try {
    const line = await first<{ taken: number | null }>(
      lock,
      sql`select get_lock(concat('oneway-wave-', database()), ${PATIENCE_S}) as taken`,
    );
    if (line?.taken !== 1) {
      throw new Conflict('Another wave is being added right now. Try again in a moment.');
    }
    return await work();
  } finally {
    // Closing the connection releases the lock, whatever state the connection is in.
    lock.destroy();
  }
}

/**
 * Returns the accounts that wait in another wave or are being migrated by it, with the name of that
 * wave.
 */
export async function inOtherWaves(
  on: Queryable,
  ids: string[],
): Promise<{ external_id: string; wave: string }[]> {
  const found: { external_id: string; wave: string }[] = [];
  for (const chunk of chunksOf(ids)) {
    const some = await select<{ external_id: string; wave: string }>(
      on,
      sql`select account.external_id, min(wave.name) as wave
            from inbox_account account
            join wave_account member on member.account_id = account.id and member.taken_at is null
            join wave on wave.id = member.wave_id and wave.state <> 'done'
            left join account_move move on move.account_id = account.id
           where account.external_id in (${chunk})
             and (member.run is null or move.wave_id = wave.id)
           group by account.id, account.external_id`,
    );
    found.push(...some);
  }
  return found;
}

type Known = { id: number; external_id: string; has_move: 0 | 1 };

/**
 * Adds the accounts that Oneway does not know yet, and their migrations. Returns the numbers of all
 * accounts. Known accounts are not locked, so that this function does not wait for their running
 * migrations.
 */
export async function ensureAccounts(on: Queryable, ids: string[]): Promise<number[]> {
  const numbers: number[] = [];
  for (const chunk of chunksOf(ids)) {
    const known = await knownOf(on, chunk);
    const isKnown = new Set(known.map(({ external_id: id }) => id));
    const missing = chunk.filter((id) => !isKnown.has(id));
    await addMissing(on, missing);
    const all = [...known, ...(missing.length === 0 ? [] : await knownOf(on, missing))];
    const unmoved = all.filter(({ has_move: hasMove }) => hasMove === 0);
    await insertLines(
      on,
      sql`insert ignore into account_move (account_id, migration_status) values`,
      unmoved.map(({ id }) => [id, 'not_started']),
    );
    numbers.push(...all.map(({ id }) => id));
  }
  return numbers;
}

const knownOf = (on: Queryable, ids: string[]) =>
  select<Known>(
    on,
    sql`select account.id, account.external_id, move.account_id is not null as has_move
          from inbox_account account left join account_move move on move.account_id = account.id
         where account.external_id in (${ids})`,
  );

function addMissing(on: Queryable, ids: string[]) {
  const now = toSqlInstant(new Date().toISOString());
  return insertLines(
    on,
    sql`insert ignore into inbox_account (external_id, created_at) values`,
    ids.map((id) => [id, now]),
  );
}
