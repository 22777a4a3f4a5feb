// Starts the accounts of waves: the next ones while fewer than allowed are active, and never one twice.
import type { PoolConnection } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { Unavailable } from '../problems.ts';
import { requestMove } from './requests.ts';
import type { WaveHead } from './waves.ts';

/** How long the start of an account may take before another process may try it. */
const PICKED_S = 60;

/** Starts the next accounts of running waves, and ends waves; as a chore. */
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

/** Picks the next accounts of a wave while fewer than allowed are active; ends a wave that has none. */
const pick = (here: App, id: number): Promise<Member[]> =>
  transaction(here.sql, async (on) => {
    const wave = await first<Pick<WaveHead, 'id' | 'at_once' | 'state' | 'person'>>(
      on,
      sql`select id, at_once, state, person from wave where id = ${id} for update`,
    );
    if (wave?.state !== 'running') return [];
    const moving = await countMoving(on, id);
    const waiting = await nextWaiting(on, wave);
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
 * The next accounts that wait. They are picked in this order, so those that were picked a moment ago are among the
 * first. The index is named, because MySQL may prefer to read all accounts of the wave in order.
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

/** Whether an account of the wave is moved by a run that another request began before. */
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

/** Marks accounts as picked; an account that a request takes out of the wave right now is passed over. */
async function markPicked(
  on: PoolConnection,
  { id, person }: Pick<WaveHead, 'id' | 'person'>,
  accounts: number[],
): Promise<Member[]> {
  // Nothing waits for an account here: such a request, which has locked it, waits for the wave.
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

/** Requests the move of a picked account. While the older system does not answer, it is picked again later. */
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
    // Only the account of the wave is locked here: requests lock the move first.
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
