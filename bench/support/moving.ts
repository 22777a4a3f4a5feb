// Runs account migrations for benchmarks. Conversations (the older system, from which accounts are migrated) and a
// worker run as two other processes. The duration of a move (the migration of one account) is read from its events in
// the database.
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { end } from '../../bin/programs.ts';
import * as moves from '../../src/account-moves/moves.ts';
import { requestMove } from '../../src/account-moves/requests.ts';
import { first, run, select, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { openRedis } from '../../src/environments/redis.ts';
import { openQueue, type JobQueue } from '../../src/jobs/queue.ts';
import { parseSettings } from '../../src/settings.ts';
import { tasks } from '../../src/tasks.ts';
import { startConversationsProgram, type OlderProgram } from '../../test/support/conversations.ts';
import type { Ground } from './ground.ts';
import { RUN_NODE } from './as-in-product.ts';

export type Moving = {
  here: App;
  older: OlderProgram;
  variables: Record<string, string>;
  line: JobQueue;
  /** The process id of the worker. */
  worker: number;
  close(): Promise<void>;
};

/**
 * Starts Conversations (the older system, from which accounts are migrated) and a worker of production. `isOnDisk`:
 * whether Conversations keeps its records on disk.
 */
export async function openMoving({ world }: Ground, isOnDisk = false): Promise<Moving> {
  const older = await startConversationsProgram({ isOnDisk });
  const variables = {
    ...world.variables.production,
    ...older.variables,
    LOG_LEVEL: 'error',
    RECOVERY_EVERY_MS: '3600000',
  };
  const here = openApp(parseSettings(variables));
  const redis = await openRedis(here);
  const line = openQueue(here, redis, tasks);
  const worker = spawn(RUN_NODE, ['src/worker.ts'], {
    env: { ...process.env, NODE_ENV: 'production', ...variables },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return {
    here,
    older,
    variables,
    line,
    worker: worker.pid ?? 0,
    close: async () => {
      await end(worker satisfies ChildProcess);
      await line.close();
      redis.destroy();
      await here.close();
      await older.close();
    },
  };
}

/** The milliseconds from the request of an account’s migration until the migration reached each of its statuses. */
export type Reached = Record<'channels-only' | 'recent-messages-only' | 'completed', number>;

/**
 * Requests the migration of an account, as the app of the account’s owner does, and waits until the migration is
 * completed.
 */
export async function moveOne(moving: Moving, account: string, everyMs = 50): Promise<Reached> {
  await request(moving, account);
  for (;;) {
    const move = await moves.byExternalId(moving.here.sql, account);
    if (move?.migration_status === 'completed') return reachedBy(moving, move.account_id);
    if (move?.migration_status === 'failed' || move?.error_code) {
      throw new Error(`The move of ${account} has failed: ${move.error_message}`);
    }
    await sleep(everyMs);
  }
}

/** Requests the migration of an account. Returns whether the request started a migration. */
export async function request({ here, line }: Moving, account: string): Promise<boolean> {
  const { job, isAccepted } = await requestMove(here, { account, person: 'app' });
  if (job) await line.push(job);
  return isAccepted;
}

async function reachedBy({ here }: Moving, account: number): Promise<Reached> {
  const events = await select<{ name: string; microseconds: number }>(
    here.sql,
    sql`select event.name, timestampdiff(microsecond, move.requested_at, event.at) as microseconds
          from account_move_event event join account_move move using (account_id)
         where event.account_id = ${account} and event.kind = 'status' and event.run = move.run`,
  );
  return Object.fromEntries(
    events.map(({ name, microseconds }) => [name, microseconds / 1000]),
  ) as Reached;
}

/**
 * Adds an account to Conversations, the older system, from which it can be migrated. By default its messages have no
 * attachments.
 */
export const addAccount = (
  { older }: Moving,
  id: string,
  messages: number,
  { attachmentEvery = 0, perThread = 10 } = {},
) => older.add({ id, messages, attachmentEvery, perThread });

/**
 * Adds accounts whose migration has moved only the recent messages so far. The apps of such accounts ask for the
 * progress every 5 seconds.
 */
export async function addPolled({ here }: Moving, ids: string[]) {
  for (const id of ids) {
    await run(
      here.sql,
      sql`insert into inbox_account (external_id, name, created_at) values (${id}, ${id}, utc_timestamp(3))`,
    );
  }
  await run(
    here.sql,
    sql`insert into account_move (account_id, migration_status, reached, run, stage, part, messages,
                                  expected_messages, asked_at, requested_at)
        select id, 'recent-messages-only', 'recent-messages-only', 1, 'rest', 'recent', 1000, 5000,
               utc_timestamp(3), utc_timestamp(3)
          from inbox_account where external_id in (${ids})`,
  );
}

/**
 * Counts the messages of a wave (the migration of many accounts) that have arrived, and the accounts whose migration
 * has not ended.
 */
export async function waveFacts({ here }: Moving, wave: number) {
  const found = await first<{ messages: number; open: number }>(
    here.sql,
    sql`select cast(coalesce(sum(move.messages), 0) as signed) as messages,
               cast(coalesce(sum(move.migration_status not in ('completed', 'failed')), 0) as signed) as open
          from wave_account member join account_move move using (account_id)
         where member.wave_id = ${wave}`,
  );
  return { messages: Number(found?.messages), open: Number(found?.open) };
}
