// The accounts of a new wave: added where they are not here, and refused where they stand in another wave.
import { insertLines } from '../database/bulk.ts';
import { first, select, sql, toSqlInstant, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict } from '../problems.ts';

/** How many accounts one statement names. */
const CHUNK = 1000;

const chunksOf = (ids: string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_none, index) =>
    ids.slice(index * CHUNK, (index + 1) * CHUNK),
  );

/** How many seconds a wave waits while another one is added. */
const PATIENCE_S = 10;

/**
 * Adds one wave at a time, so that two that are added at once cannot have the same account.
 * @throws Conflict when another one takes too long
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
    // The lock is released with its connection, whatever state it is in.
    lock.destroy();
  }
}

/** Those accounts that stand in a wave which waits for them or moves them, with its name. */
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

/** Adds the accounts and their moves that are not here; returns the numbers of all. Those that are here are not locked. */
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
