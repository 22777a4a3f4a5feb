// Account migrations for tests of pages and commands: settings, and rows that are inserted as a migration writes them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import type { Move, MoveEvent } from '../../src/account-moves/moves.ts';
import { byAccount } from '../../src/account-moves/moves.ts';
import { join as joined, name, run, sql, toSqlInstant } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { addAccount } from '../../src/inbox/accounts.ts';
import { openWorld, useWorld } from './world.ts';

let certificate: { key: string; certificate: string } | undefined;

/** Creates the files of a key and its certificate with openssl, as an operator would. */
function certificateFiles() {
  if (certificate) return certificate;
  const folder = mkdtempSync(join(tmpdir(), 'oneway-certificate-'));
  const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
  const fresh = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=us'];
  execFileSync('openssl', [...fresh, '-keyout', files.key, '-out', files.certificate], {
    stdio: 'ignore',
  });
  return (certificate = files);
}

/**
 * The settings of account migrations. No server listens at the given URL of the older system (Conversations), so these
 * tests never reach it.
 */
const moveVariables = () => ({
  CONVERSATIONS_URL: 'http://127.0.0.1:9',
  CONVERSATIONS_KEY_FILE: certificateFiles().key,
  CONVERSATIONS_CERTIFICATE_FILE: certificateFiles().certificate,
});

/** Opens the environments, of which staging has the settings of account migrations. */
export const useMoves = (cleared: 'before each test' | 'once' = 'before each test') =>
  useWorld({
    cleared,
    open: () =>
      openWorld(undefined, ({ staging }) => {
        Object.assign(staging, moveVariables());
      }),
  });

type Also = Partial<Omit<Move, 'account_id' | 'external_id' | 'name'>> & { name?: string };

/** Adds an account whose migration has the given fields; by default the migration is not started. */
export async function addMove(
  { sql: on }: App,
  externalId: string,
  { name: title = '', ...fields }: Also = {},
): Promise<Move> {
  const { id } = await addAccount(on, { externalId, name: title });
  const given = Object.entries({ migration_status: 'not_started', ...fields });
  await run(
    on,
    sql`insert into account_move (account_id, ${joined(
      given.map(([column]) => name(column)),
      ', ',
    )}) values (${id}, ${joined(
      given.map(([, value]) => sql`${value}`),
      ', ',
    )})`,
  );
  const move = await byAccount(on, id);
  if (!move) throw new Error('The move was not recorded');
  return move;
}

type Event = {
  name: MoveEvent['name'];
  /** A timestamp in ISO 8601. */
  at: string;
  run?: number;
  counts?: object;
};

const stageNames = ['channels', 'recent', 'rest', 'attachments', 'final-check'];

/** Adds events of an account’s migration, in the given order. */
export async function addEvents({ sql: on }: App, { account_id: account }: Move, events: Event[]) {
  for (const { name: what, at, run: number = 1, counts = {} } of events) {
    const kind = stageNames.includes(what) ? 'stage' : 'status';
    await run(
      on,
      sql`insert into account_move_event (account_id, run, kind, name, counts, at)
          values (${account}, ${number}, ${kind}, ${what}, ${JSON.stringify(counts)}, ${toSqlInstant(at)})`,
    );
  }
}

/** Returns the time so many seconds ago in ISO 8601, but never a time before today’s midnight in UTC. */
export const ago = (seconds: number) => {
  const midnight = new Date().setUTCHours(0, 0, 0, 0);
  return new Date(Math.max(midnight, Date.now() - seconds * 1000)).toISOString();
};

type Letter = { subject: string; cause?: string; reason?: string; payload?: unknown; key?: string };

/**
 * Adds a job of an account migration with unresolved dead letters (items that failed for good), and returns the id of
 * the job.
 */
export async function addLetters({ sql: on }: App, letters: Letter[]): Promise<string> {
  const job = uuid();
  await run(
    on,
    sql`insert into job (id, kind, name, person, input, state, created_at, ended_at)
        values (${job}, 'move-rest', 'Move', 'app', '{}', 'done', utc_timestamp(3), utc_timestamp(3))`,
  );
  for (const [index, letter] of letters.entries()) {
    const { subject, cause = 'invalid', reason = 'The record has no body', payload = {} } = letter;
    await run(
      on,
      sql`insert into dead_letter (job, kind, item_key, reason, payload, subject, cause, failed_at)
          values (${job}, 'move-rest', ${letter.key ?? `record ${index}`}, ${reason},
            ${JSON.stringify(payload)}, ${subject}, ${cause}, utc_timestamp(3))`,
    );
  }
  return job;
}
