// Starts the accounts of waves: the next ones while fewer than allowed are active, and never one twice.
import { failpoint } from '../database/failpoints.ts';
import { first, run, select, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { Unavailable } from '../problems.ts';
import { requestMove } from './requests.ts';
import { memberState, type Wave } from './waves.ts';

/** How long the start of an account may take before another process may try it. */
const PICKED_S = 60;
const isPicked = sql`coalesce(member.picked_at > utc_timestamp(3) - interval ${PICKED_S} second, false)`;

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
    const wave = await first<Pick<Wave, 'id' | 'at_once' | 'state'>>(
      on,
      sql`select id, at_once, state from wave where id = ${id} for update`,
    );
    if (wave?.state !== 'running') return [];
    const active = await first<{ waiting: number; running: number }>(
      on,
      sql`select
            cast(coalesce(sum(${memberState} = 'waiting' and not ${isPicked}), 0) as signed) as waiting,
            cast(coalesce(sum(${memberState} = 'running'
              or (${memberState} = 'waiting' and ${isPicked})), 0) as signed) as running
            from wave_account member
            left join account_move move on move.account_id = member.account_id
           where member.wave_id = ${id}`,
    );
    const { waiting = 0, running = 0 } = active ?? {};
    if (waiting + running === 0) {
      await run(
        on,
        sql`update wave set state = 'done', ended_at = utc_timestamp(3) where id = ${id}`,
      );
      return [];
    }
    const picked = await select<Member>(
      on,
      sql`select member.account_id, account.external_id, wave.person
            from wave_account member
            join inbox_account account on account.id = member.account_id
            join wave on wave.id = member.wave_id
           where member.wave_id = ${id} and member.run is null and member.taken_at is null
             and not ${isPicked}
           order by member.account_id limit ${Math.max(0, wave.at_once - running)}`,
    );
    await run(
      on,
      sql`update wave_account set picked_at = utc_timestamp(3)
           where wave_id = ${id} and account_id in (${picked.map((one) => one.account_id)})`,
    );
    return picked;
  });

type Member = { account_id: number; external_id: string; person: string };

/** Requests the move of a picked account. While the older system does not answer, it is picked again later. */
async function start(
  here: App,
  queue: JobQueue,
  { wave, account }: { wave: number; account: Member },
) {
  await failpoint('wave account picked');
  const { account_id: id, external_id: externalId, person } = account;
  try {
    const { job } = await requestMove(here, {
      account: externalId,
      part: 'whole',
      location: null,
      force: false,
      person,
      wave,
    });
    await failpoint('wave account requested');
    if (job) await queue.push(job);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    here.log.warn({ err: error, wave }, 'an account of a wave could not be started');
  }
  await run(
    here.sql,
    sql`update wave_account member join account_move move on move.account_id = member.account_id
           set member.run = move.run
         where member.wave_id = ${wave} and member.account_id = ${id} and member.run is null
           and member.taken_at is null and move.asked_at is not null`,
  );
}
