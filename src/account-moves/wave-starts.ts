// Starts the migrations of the accounts of a wave (a set of accounts that are migrated in the background). The next
// accounts start while fewer than the allowed number are active, and no account is started twice.
import type { PoolConnection } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { Unavailable } from '../problems.ts';
import { requestMove } from './requests.ts';
import type { WaveHead } from './waves.ts';

/**
 * After a process has picked an account, it has this many seconds to start the account’s migration.
 * After that, another process may start it.
 */
const PICKED_S = 60;

/**
 * Starts the migrations of the next accounts of each running wave, and ends waves that are done. Oneway calls this
 * function every few seconds.
 */
export const advanceWaves = (queue: JobQueue) => async (here: App) => {
  const running = await select<{ id: number }>(
    here.sql,
    sql`select id from wave where state = 'running'`,
  );
  for (const { id } of running) {
    const picked = await pick(here, id);
    await Promise.all(picked.map((account) => start(here, queue, { wave: id, account })));
  }
};

/**
 * Selects the accounts of a wave whose migrations start next, while fewer than the allowed number are active. Ends a
 * wave in which no account waits or is active.
 */
const pick = (here: App, id: number): Promise<Member[]> =>
  transaction(here.sql, async (on) => {
    const wave = await first<Pick<WaveHead, 'id' | 'at_once' | 'state' | 'person'>>(
      on,
      sql`select id, at_once, state, person from wave where id = ${id} for update`,
    );
    if (wave?.state !== 'running') return [];
    // Read the waiting accounts before the active ones. An account that another process starts
    // between the two reads is then counted twice. In the other order it would not be counted, and
    // too many accounts would start.
    const waiting = await nextWaiting(on, wave);
    await failpoint('waiting accounts of a wave read');
    const moving = await countMoving(on, id);
    if (waiting.length === 0 && moving === 0 && !(await isAnyActive(on, id))) {
      await run(
        on,
        sql`update wave set state = 'done', ended_at = utc_timestamp(3) where id = ${id}`,
      );
      return [];
    }
    const free = waiting.filter(({ isPicked }) => isPicked === 0);
    const places = wave.at_once - moving - (waiting.length - free.length);
    const next = free.slice(0, Math.max(0, places)).map(({ account_id: account }) => account);
    return next.length === 0 ? [] : markPicked(on, wave, next);
  });

type Member = { account_id: number; external_id: string; person: string };

const activeStatuses = ['migrating', 'channels-only', 'recent-messages-only'];

async function countMoving(on: Queryable, wave: number): Promise<number> {
  const counted = await first<{ moving: number }>(
    on,
    sql`select count(*) as moving from account_move
         where wave_id = ${wave} and migration_status in (${activeStatuses})`,
  );
  return counted?.moving ?? 0;
}

/**
 * Reads the next waiting accounts of a wave, including those that were picked a moment ago but have
 * not started yet. At most `at_once` accounts are picked, and they come first, so twice `at_once`
 * rows contain enough accounts to pick. The index is forced, because MySQL may otherwise read all
 * accounts of the wave.
 */
const nextWaiting = (on: Queryable, { id, at_once: atOnce }: Pick<WaveHead, 'id' | 'at_once'>) =>
  select<{ account_id: number; isPicked: 0 | 1 }>(
    on,
    sql`select account_id,
               coalesce(picked_at > utc_timestamp(3) - interval ${PICKED_S} second, false) as isPicked
          from wave_account force index (wave_account_waiting)
         where wave_id = ${id} and run is null and taken_at is null
         order by account_id limit ${2 * atOnce}`,
  );

/**
 * Whether an account of the wave is still being migrated, such as by a run that another request
 * began before.
 */
const isAnyActive = async (on: Queryable, wave: number): Promise<boolean> =>
  (await first(
    on,
    sql`select 1 as one
          from account_move move
          straight_join wave_account member
             on member.wave_id = ${wave} and member.account_id = move.account_id
            and member.taken_at is null and member.run = move.run
         where move.migration_status in (${activeStatuses})
         limit 1`,
  )) !== undefined;

/**
 * Marks accounts of a wave as picked (to be started by this process). Skips an account that a request is taking out of
 * the wave at this moment.
 */
async function markPicked(
  on: PoolConnection,
  { id, person }: Pick<WaveHead, 'id' | 'person'>,
  accounts: number[],
): Promise<Member[]> {
  // Skip locked accounts instead of waiting: the request that has locked an account waits for the
  // wave, so both would wait forever.
  const locked = await select<{ account_id: number }>(
    on,
    sql`select account_id from wave_account
         where wave_id = ${id} and account_id in (${accounts}) and run is null and taken_at is null
           for update skip locked`,
  );
  const picked = locked.map(({ account_id: account }) => account);
  await run(
    on,
    sql`update wave_account set picked_at = utc_timestamp(3)
         where wave_id = ${id} and account_id in (${picked})`,
  );
  const named = await select<Omit<Member, 'person'>>(
    on,
    sql`select id as account_id, external_id from inbox_account where id in (${picked}) order by id`,
  );
  return named.map((one) => ({ ...one, person }));
}

/**
 * Requests the migration of an account that this process has picked from a wave. If the older system does not answer,
 * the account is picked again later.
 */
async function start(
  here: App,
  queue: JobQueue,
  { wave, account }: { wave: number; account: Member },
) {
  await failpoint('wave account picked');
  const { account_id: id, external_id: externalId, person } = account;
  try {
    const { move, job } = await requestMove(here, {
      account: externalId,
      person,
      wave,
    });
    await failpoint('wave account requested');
    if (job) await queue.push(job);
    // Lock only the row in `wave_account`, outside a transaction. Requests lock the row of the migration before the row
    // in `wave_account`, so a transaction that locks them in the other order could deadlock with a request.
    await run(
      here.sql,
      sql`update wave_account set run = ${move.run}
           where wave_id = ${wave} and account_id = ${id} and run is null and taken_at is null`,
    );
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    here.log.warn({ err: error, wave }, 'an account of a wave could not be started');
  }
}
