// Tests the commands `oneway accounts` and `oneway waves`, as a script runs them.
import { expect, test } from 'vitest';
import { byExternalId } from '../../src/account-moves/moves.ts';
import { listWaves } from '../../src/account-moves/waves.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { json, openTerminal, type Said } from '../support/command.ts';
import { addLetters, addMove, useMoves } from '../support/moves.ts';
import { hire, password } from '../support/people.ts';

const world = useMoves();
const oneway = (...words: string[]): Said => openTerminal(world)('staging', words);
const asked = { asked_at: '2026-11-26 10:00:00.000' };
const moveOf = (id: string) => byExternalId(world.staging.sql, id);

test('a script reads the migration status of an account, starts its migration, and migrates the account again with --force', async () => {
  await addMove(world.staging, 'a-1', { ...asked, expected_messages: 100 });
  expect(json(oneway('accounts', 'status', 'a-1', '--json'))).toMatchObject({
    id: 'a-1',
    migration_status: 'not_started',
    percent: 0,
    last_error: null,
  });
  const started = json<{ job: number }>(oneway('accounts', 'start', 'a-1', '--json'));
  expect(started).toMatchObject({ accepted: true, run: 1, migration_status: 'migrating' });
  expect(await jobs.byNumber(world.staging.sql, started.job)).toMatchObject({
    kind: 'move-opening',
  });
  expect(json(oneway('accounts', 'start', 'a-1', '--force', '--json'))).toMatchObject({ run: 2 });
});

test('a script continues the failed migration of one account, and retries the dead letters (failed records) of another account', async () => {
  const failed = {
    migration_status: 'failed',
    reached: 'channels-only',
    stage: 'recent',
    run: 1,
    error_code: 'throttled',
    error_message: 'The store is throttled',
    error_at: '2026-11-26 10:00:00.000',
  } as const;
  await addMove(world.staging, 'a-1', { ...asked, ...failed });
  await addMove(world.staging, 'a-2', { ...asked, migration_status: 'completed', run: 1 });
  await addLetters(world.staging, [
    { subject: 'a-2', cause: 'invalid', payload: { body: 'private' } },
    { subject: 'a-2', cause: 'timeout' },
  ]);
  expect(oneway('accounts', 'retry', 'a-1').stdout).toMatch(/Job \d+ migrates it/);
  expect(await moveOf('a-1')).toMatchObject({ migration_status: 'channels-only', run: 1 });
  const listed = oneway('accounts', 'dead-letters', 'a-2', '--json');
  expect(json(listed)).toMatchObject([{ cause: 'invalid' }, { cause: 'timeout' }]);
  expect(listed.stdout).not.toContain('private');
  expect(json(oneway('accounts', 'retry', 'a-2', '--cause', 'timeout', '--json'))).toMatchObject({
    retried: 1,
  });
});

test('a script adds a migration wave with account ids from standard input, and then lists, pauses and resumes the wave', async () => {
  const terminal = openTerminal(world);
  const input = 'a-1\r\na-2\n\na-1\n';
  const added = terminal('staging', ['waves', 'add', 'North', '--at-once', '2', '--json'], {
    input,
  });
  expect(json(added)).toMatchObject({ name: 'North', state: 'running', total: 2, atOnce: 2 });
  const [wave] = await listWaves(world.staging.sql);
  expect(oneway('waves', 'list').stdout).toContain('North');
  expect(json(oneway('waves', 'pause', String(wave?.id), '--json'))).toMatchObject({
    state: 'paused',
  });
  expect(oneway('waves', 'resume', String(wave?.id)).stdout).toContain('running');
});

test.each([
  [['accounts', 'status', 'nobody'], 1],
  [['accounts', 'start', 'a b'], 2],
  [['waves', 'add', 'North', 'a b'], 1],
])('“oneway %j” is refused with exit code %d and an explanation', (words, status) => {
  const said = oneway(...words);
  expect([said.status, said.stderr.trim() === '']).toEqual([status, false]);
  expect(said.stderr).not.toContain('does not know');
});

test('a person without the permission account_moves cannot start the migration of an account', async () => {
  await addMove(world.staging, 'a-1', asked);
  await hire(world.staging, 'vic');
  const terminal = openTerminal(world);
  terminal('staging', ['sign-in', '--email', 'vic@example.com'], { input: password });
  const said = terminal('staging', ['accounts', 'start', 'a-1']);
  expect([said.status, said.stderr]).toEqual([
    1,
    expect.stringContaining('permission Account migrations'),
  ]);
  expect(await moveOf('a-1')).toMatchObject({ run: 0 });
});
