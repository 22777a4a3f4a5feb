// Handles requests to migrate an account from the older system Conversations. An app, Conversations itself, a person or
// a wave (a set of accounts) can send such a request.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { failpoint } from '../database/failpoints.ts';
import { run, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { needMoves } from '../inbox/account-address.ts';
import { addAccount } from '../inbox/accounts.ts';
import { supersede } from '../jobs/dead-letters.ts';
import type { Job } from '../jobs/jobs.ts';
import { Conflict } from '../problems.ts';
import { accountThere } from './conversations.ts';
import { requestJob } from './job-requests.ts';
import * as moves from './moves.ts';
import type { Move } from './moves.ts';
import { decide, type Decision } from './decision.ts';
import { cutAt } from './recent.ts';

export type MoveRequest = {
  /** The id of the account in the older system. */
  account: string;
  /**
   * `whole` migrates all messages; `recent` stops after the recent messages; `remaining` continues a run that has
   * stopped after the recent messages.
   */
  part: 'whole' | 'recent' | 'remaining';
  /**
   * The prefix of a dump (an export of the account) in the object storage; null to read the older system’s store
   * instead.
   */
  location: string | null;
  /** Whether to begin a new run from the start, even if an earlier run is active or completed. */
  force: boolean;
  person: string;
  wave: number | null;
};

/** The default values of a request. */
const usual = { part: 'whole', location: null, force: false, wave: null } as const;

type Asked = Pick<MoveRequest, 'account' | 'person'> & Partial<MoveRequest>;

/**
 * The result of a request. `isAccepted`: whether the request began, continued or extended a run of the migration.
 * `job`: the job that the caller has to queue.
 */
export type Requested = { move: Move; isAccepted: boolean; job: Job | null };

/**
 * Returns the migration of an account. Asks the older system whether it knows the account, unless
 * the answer is already known. `again`: asks once more if the older system did not know the account
 * before.
 * @throws Unavailable when the older system does not answer and was never asked before
 */
export async function ask(
  here: App,
  externalId: string,
  { again = false }: { again?: boolean } = {},
): Promise<Move> {
  const known = await moves.byExternalId(here.sql, externalId);
  const isKnown =
    known !== undefined &&
    known.asked_at !== null &&
    !(again && known.migration_status === 'not_needed');
  if (isKnown) return known;
  const settings = needMoves(here);
  const there = await accountThere(settings, externalId).catch((error: unknown) => {
    if (known && known.asked_at !== null) return 'silent' as const;
    throw error;
  });
  if (there === 'silent') return known as Move;
  await failpoint('older system asked');
  return recordAnswer(here, externalId, there);
}

async function recordAnswer(
  here: App,
  externalId: string,
  there: { name: string; messages: number | null } | null,
): Promise<Move> {
  // Add the account outside the transaction below: two requests that add the same account would
  // otherwise deadlock.
  const { id } = await addAccount(here.sql, { externalId, name: there?.name ?? '' });
  const status = there ? 'not_started' : 'not_needed';
  return transaction(here.sql, async (on) => {
    await run(
      on,
      sql`insert into account_move (account_id, migration_status) values (${id}, ${status})
          on duplicate key update account_id = values(account_id)`,
    );
    const before = await moves.lock(on, id);
    if (before.migration_status !== 'not_started' && before.migration_status !== 'not_needed') {
      return before;
    }
    await run(
      on,
      sql`update account_move
             set migration_status = ${status}, asked_at = utc_timestamp(3),
                 expected_messages = ${there?.messages ?? null}
           where account_id = ${id}`,
    );
    if (before.asked_at === null || before.migration_status !== status) {
      await moves.addEvent(on, { account: id, kind: 'status', name: status });
    }
    return moves.lock(on, id);
  });
}

/**
 * Begins, continues or ignores a migration, depending on its status. The caller queues the returned
 * job.
 * @throws Unavailable when the older system does not answer and was never asked before
 */
export async function requestMove(here: App, asked: Asked): Promise<Requested> {
  const wanted = { ...usual, ...asked };
  const { account_id: account } = await ask(here, wanted.account, { again: true });
  const requested = await transaction(here.sql, async (on) => {
    const move = await moves.lock(on, account);
    const decision = decide(move, wanted);
    const job = await carryOut(here, on, { move, wanted, decision });
    return { move: await moves.lock(on, account), isAccepted: decision !== 'ignore', job };
  });
  await failpoint('move requested');
  return requested;
}

type Change = { move: Move; wanted: MoveRequest; decision: Decision };

async function carryOut(here: App, on: PoolConnection, change: Change): Promise<Job | null> {
  const { move, wanted, decision } = change;
  if (wanted.wave === null) await takeOutOfWaves(on, change);
  else if (decision === 'ignore') return null;
  switch (decision) {
    case 'ignore':
      // A wave (a set of accounts) began this run in the background, and now a person or an app waits for it: take the
      // run out of the wave, so that its jobs come before all jobs of waves.
      return move.wave_id !== null && isUnderWay(move)
        ? await requestJob(on, { ...move, wave_id: null }, wanted.person)
        : null;
    case 'begin':
      return await begin(here, on, change);
    case 'continue':
      return await goOn(on, change);
    case 'wait':
      throw new Conflict(
        'The recent messages are still being read. Ask for the remaining ones of another dump when they are here.',
      );
    case 'widen':
      return await widen(on, change);
  }
}

const isUnderWay = ({ stage }: Move) => stage !== null;

/** Takes an account out of the waves (sets of accounts) in which it waits or is being migrated. */
async function takeOutOfWaves(on: PoolConnection, { move, wanted }: Change) {
  const { account_id: account, external_id: subject } = move;
  const taken = await run(
    on,
    sql`update wave_account member join wave on wave.id = member.wave_id
           set member.taken_at = utc_timestamp(3)
         where member.account_id = ${account} and member.taken_at is null and wave.state <> 'done'
           and (member.run is null or (wave.id = ${move.wave_id} and ${move.stage !== null}))`,
  );
  await run(on, sql`update account_move set wave_id = null where account_id = ${account}`);
  if (taken === 0) return;
  await audit.write(on, {
    person: wanted.person,
    action: 'took an account out of its wave',
    subject,
  });
}

async function begin(here: App, on: PoolConnection, { move, wanted }: Change): Promise<Job> {
  const { account_id: account, external_id: subject } = move;
  const days = here.settings.moves?.recent.days ?? 0;
  await supersede(on, subject, `Run ${move.run + 1} reads it again.`);
  await run(
    on,
    sql`update account_move
           set run = run + 1, migration_status = 'migrating', reached = null, stage = 'channels',
               part = ${wanted.part === 'recent' ? 'recent' : 'whole'},
               reader = ${wanted.location === null ? 'store' : 'dump'}, location = ${wanted.location},
               former_location = null,
               position = null, page = 0, all_read = false, newest_position = null,
               cut_at = ${cutAt(days)}, channels = 0, threads = 0, messages = 0, attachments = 0,
               skipped = 0, failed = 0, media_pauses = 0, wave_id = ${wanted.wave},
               error_code = null, error_message = null, error_at = null, failing_since = null,
               reported_at = null, person = ${wanted.person}, requested_at = utc_timestamp(3),
               ended_at = null
         where account_id = ${account}`,
  );
  await moves.addEvent(on, { account, kind: 'status', name: 'migrating' });
  await moves.addEvent(on, { account, kind: 'stage', name: 'channels' });
  await audit.write(on, {
    person: wanted.person,
    action: move.run === 0 ? 'started the migration of an account' : 'migrated an account again',
    subject,
  });
  return requestJob(on, await moves.lock(on, account), wanted.person);
}

/**
 * Changes a migration run that would stop after the recent messages, so that it migrates all messages. The current job
 * of the run continues.
 */
async function widen(on: PoolConnection, { move, wanted }: Change): Promise<null> {
  const { account_id: account, external_id: subject } = move;
  await run(on, sql`update account_move set part = 'whole' where account_id = ${account}`);
  await audit.write(on, {
    person: wanted.person,
    action: 'widened an account migration',
    subject,
  });
  return null;
}

/**
 * Continues a migration run where it stopped. If the request names another dump, reads that dump from its beginning.
 */
async function goOn(on: PoolConnection, { move, wanted }: Change): Promise<Job> {
  const { account_id: account, external_id: subject, reached } = move;
  const status = reached ?? 'migrating';
  const isOther = wanted.location !== null && wanted.location !== move.location;
  await run(
    on,
    sql`update account_move
           set migration_status = ${status},
               stage = if(${isOther} and stage in ('attachments', 'final-check'), 'rest', coalesce(stage, 'channels')),
               part = ${wanted.part === 'recent' && move.part === 'recent' ? 'recent' : 'whole'},
               reader = if(${isOther}, 'dump', reader),
               former_location = if(${isOther}, location, former_location),
               location = if(${isOther}, ${wanted.location}, location),
               position = if(${isOther}, null, position), all_read = if(${isOther}, false, all_read),
               page = page + 1, media_pauses = 0, wave_id = ${wanted.wave},
               error_code = null, error_message = null, error_at = null, failing_since = null,
               reported_at = null, ended_at = null
         where account_id = ${account}`,
  );
  if (move.migration_status !== status) {
    await moves.addEvent(on, { account, kind: 'status', name: status });
  }
  await audit.write(on, {
    person: wanted.person,
    action: 'continued the migration of an account',
    subject,
  });
  return requestJob(on, await moves.lock(on, account), wanted.person);
}
