// What a report of failed migrations says, and to which page it links.
import { expect, test } from 'vitest';
import { causesOf, reportFailures } from '../../src/account-moves/report.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { addMove, useMoves } from '../support/moves.ts';
import { textOf, useClient, useSite } from '../support/people.ts';

const world = useMoves();
const site = useSite(world, 'staging');
const mia = useClient(site, 'mia');

test.each([
  [
    ['throttled', 'channels-rejected', 'throttled', null],
    'throttled: 2, channels rejected: 1, unknown: 1',
  ],
  [['account-unknown'], 'account unknown: 1'],
  [[null], 'unknown: 1'],
])(
  'a report of failed migrations counts the causes %j, the most frequent first (36)',
  (codes, text) => {
    expect(causesOf(codes.map((code) => ({ error_code: code })))).toBe(text);
  },
);

const failing = { error_message: 'It failed', error_at: '2026-11-26 10:00:00.000', run: 1 };

/**
 * Sends the report of failed migrations; returns the links in the messages that people received.
 */
async function reported() {
  const { staging } = world;
  await run(staging.sql, sql`update account_move set reported_at = null`);
  await run(staging.sql, sql`delete from message`);
  await reportFailures(staging);
  const lines = await select<{ href: string }>(staging.sql, sql`select distinct href from message`);
  return lines.map(({ href }) => href);
}

test('a report of channels that could not be stored links to the dead letters, because no account has failed (34)', async () => {
  await addMove(world.staging, 'a-1', {
    ...failing,
    migration_status: 'recent-messages-only',
    error_code: 'channels-rejected',
  });
  expect(await reported()).toEqual(['/account-moves#records']);
  await addMove(world.staging, 'a-2', {
    ...failing,
    migration_status: 'failed',
    error_code: 'throttled',
  });
  expect(await reported()).toEqual(['/account-moves?status=failed']);
  expect(textOf((await mia.get('/account-moves?status=failed')).text)).toContain('a-2');
});
