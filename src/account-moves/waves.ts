// Waves: sets of accounts that are migrated in the background, a limited number at a time, so that neither the job
// queue nor the older system is flooded.
import * as audit from '../audit/audit.ts';
import { insertRows } from '../database/bulk.ts';
import { first, run, runForId, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import { Conflict, Invalid, NotFound } from '../problems.ts';
import { ensureAccounts, inOtherWaves, oneAtATime } from './wave-accounts.ts';

export type WaveState = 'running' | 'paused' | 'done';

/** A wave without the counts of its accounts. */
export type WaveHead = {
  id: number;
  name: string;
  at_once: number;
  state: WaveState;
  person: string;
  created_at: string;
  ended_at: string | null;
};

export type Wave = WaveHead & {
  total: number;
  waiting: number;
  running: number;
  done: number;
  failed: number;
  /** How many accounts the older system does not know. */
  unknown: number;
  /** How many accounts left the wave because a person or an app requested their migration. */
  taken: number;
};

/** The most accounts that a wave may have, and the most that it may migrate at a time. */
const MOST_ACCOUNTS = 100_000;
const MOST_AT_ONCE = 100;

type NewWave = { name: string; accounts: string[]; atOnce: number; person: string };

/**
 * Adds a wave, which starts at once.
 * @throws Invalid when a field is wrong, an id is not a valid account id, or an account is already
 * in another wave
 */
export async function addWave(
  here: App,
  { name, accounts, atOnce, person }: NewWave,
): Promise<Pick<Wave, 'id'>> {
  const ids = [...new Set(accounts.map((id) => id.trim()).filter((id) => id !== ''))];
  refuseWrong({ name, ids, atOnce });
  return oneAtATime(here, async () => {
    await refuseInOtherWaves(here.sql, ids);
    // Add the accounts before the transaction that adds the wave. Inside that transaction, adding accounts would lock
    // accounts that are being migrated, and wait for them.
    const numbers = await ensureAccounts(here.sql, ids);
    return transaction(here.sql, async (on) => {
      const id = await runForId(
        on,
        sql`insert into wave (name, at_once, state, person, created_at)
            values (${name.trim()}, ${atOnce}, 'running', ${person}, utc_timestamp(3))`,
      );
      const members = numbers.map((account) => ({ wave_id: id, account_id: account }));
      await insertRows(on, 'wave_account', members);
      await audit.write(on, {
        person,
        action: 'added a wave',
        subject: name.trim(),
        detail: `${ids.length} accounts, ${atOnce} at once`,
      });
      return { id };
    });
  });
}

function refuseWrong({ name, ids, atOnce }: { name: string; ids: string[]; atOnce: number }) {
  const wrong = ids.filter((id) => !EXTERNAL_ID.test(id));
  const faults: Record<string, string> = {};
  if (name.trim() === '' || name.trim().length > 100) {
    faults['name'] = 'Enter a name of at most 100 characters';
  }
  if (ids.length === 0) faults['accounts'] = 'Enter the ids of the accounts, one a line';
  if (ids.length > MOST_ACCOUNTS) {
    faults['accounts'] = `A wave has at most ${MOST_ACCOUNTS.toLocaleString('en')} accounts`;
  }
  if (wrong.length > 0) {
    faults['accounts'] = `These are no ids of accounts: ${listed(wrong)}`;
  }
  if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > MOST_AT_ONCE) {
    faults['atOnce'] = `Enter how many move at once, from 1 to ${MOST_AT_ONCE}`;
  }
  if (Object.keys(faults).length > 0) throw new Invalid(faults);
}

async function refuseInOtherWaves(on: Queryable, ids: string[]) {
  const elsewhere = await inOtherWaves(on, ids);
  if (elsewhere.length === 0) return;
  const others = listed(elsewhere.map(({ external_id: id }) => id).toSorted());
  throw new Invalid({ accounts: `In the wave “${elsewhere[0]?.wave ?? ''}” already: ${others}` });
}

const listed = (ids: string[]) =>
  `${ids
    .slice(0, 10)
    .map((id) => `“${id.slice(0, 70)}”`)
    .join(', ')}${ids.length > 10 ? ` and ${ids.length - 10} more` : ''}`;

export const pauseWave = (here: App, id: number, person: string) =>
  setState(here, id, { from: 'running', to: 'paused', person, action: 'paused a wave' });

export const resumeWave = (here: App, id: number, person: string) =>
  setState(here, id, { from: 'paused', to: 'running', person, action: 'resumed a wave' });

type Step = { from: WaveState; to: WaveState; person: string; action: string };

const setState = (here: App, id: number, { from, to, person, action }: Step) =>
  transaction(here.sql, async (on) => {
    const wave = await waveById(on, id);
    if (!wave) throw new NotFound('There is no such wave.');
    const found = await run(
      on,
      sql`update wave set state = ${to} where id = ${id} and state = ${from}`,
    );
    if (found === 0) throw new Conflict(`This wave is ${wave.state} already.`);
    await audit.write(on, { person, action, subject: wave.name });
  });

/**
 * SQL expression for the state of an account in a wave: waiting, running, done, failed, unknown or
 * taken.
 */
const memberState = sql`case
    when member.taken_at is not null then 'taken'
    when member.run is null then 'waiting'
    when move.run > member.run then 'done'
    when move.migration_status = 'failed' then 'failed'
    when move.migration_status = 'not_needed' then 'unknown'
    when move.migration_status = 'completed' then 'done'
    else 'running' end`;

const counted = sql`select wave.*, count(member.account_id) as total,
    cast(coalesce(sum(${memberState} = 'waiting'), 0) as signed) as waiting,
    cast(coalesce(sum(${memberState} = 'running'), 0) as signed) as running,
    cast(coalesce(sum(${memberState} = 'done'), 0) as signed) as done,
    cast(coalesce(sum(${memberState} = 'failed'), 0) as signed) as failed,
    cast(coalesce(sum(${memberState} = 'unknown'), 0) as signed) as unknown,
    cast(coalesce(sum(${memberState} = 'taken'), 0) as signed) as taken
  from wave
  left join wave_account member on member.wave_id = wave.id
  left join account_move move on move.account_id = member.account_id`;

/** Lists the newest waves with their counts, the unfinished waves first. */
export const listWaves = (on: Queryable, limit = 50) =>
  select<Wave>(
    on,
    sql`${counted}
         join (select id from wave order by state = 'done', id desc limit ${limit}) listed on listed.id = wave.id
         group by wave.id order by wave.state = 'done', wave.id desc`,
  );

/** Reads a wave without its counts, because counting reads all accounts of the wave. */
export const waveById = (on: Queryable, id: number) =>
  first<WaveHead>(on, sql`select * from wave where id = ${id}`);

/** Lists the newest unfinished waves, without their counts. */
export const activeWaves = (on: Queryable, limit: number) =>
  select<WaveHead>(
    on,
    sql`select * from wave where state in ('running', 'paused') order by id desc limit ${limit}`,
  );

/** Reads a wave with the counts of its accounts. */
export const waveOf = (on: Queryable, id: number) =>
  first<Wave>(on, sql`${counted} where wave.id = ${id} group by wave.id`);
