// Measures the refresh of 100,000 rows from production to pre-production: into an empty destination, after every row
// has changed, and after 1% of the rows have changed.
import { runRefresh } from '../src/refresh/refresh.ts';
import type { App } from '../src/environments/app.ts';
import { digestsOf } from './compare.ts';
import { databaseOf, empty, type Ground } from './support/ground.ts';
import { refreshChangedBare, rewriteBare } from './support/bare-refresh.ts';
import { BARE, openBareTransfer } from './support/bare-transfer.ts';
import { dump, insideServer, peerTable, provenInsideServer, sync } from './support/peers.ts';
import { times, type Found } from './support/results.ts';
import { edit, fillSql } from './support/rows.ts';
import { Clock, ROUNDS, sized } from './support/timing.ts';
import { atLeast, besides, cold, warm, within } from './support/goals.ts';

export async function refreshBench({ world, lower, upper }: Ground): Promise<Found> {
  const rows = sized(100_000);
  const { production, preprod } = world;
  const above = databaseOf(production);
  const clock = new Clock();
  await fillSql(lower.ask, above, rows);
  const source = { server: lower, database: above, name: 'task' };
  const names = { here: above, there: databaseOf(preprod) };
  const bare = await openBareTransfer({ here: lower, there: upper }, names);
  const bareTable = { server: upper, database: BARE, name: 'task' };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const limit = await peerTable(lower, 'peer_limit', above);
    const proven = await peerTable(lower, 'peer_proven', above);
    const dumped = await peerTable(upper, 'peer_dump', databaseOf(preprod));
    const synced = await peerTable(upper, 'peer_sync', databaseOf(preprod));
    await empty(preprod);
    await upper.ask.query('TRUNCATE ??.task', [BARE]);
    await dump(source, bareTable);
    const all = async (state: string) => {
      await clock.time(`${state}, limit`, () => insideServer(lower.ask, above, limit.database));
      await clock.time(`${state}, proven`, () =>
        provenInsideServer(lower.ask, above, proven.database),
      );
      await clock.time(`${state}, mysqldump`, () => dump(source, dumped));
      await clock.time(`${state}, oneway`, () => down(preprod));
      // pt-table-sync takes minutes, and its times hardly vary, so it is timed in one round only.
      if (round === 1 || state === 'changed') {
        await clock.time(`${state}, pt-table-sync`, () => sync(source, synced));
      } else await dump(source, synced);
    };
    await all('empty');
    await edit(lower.ask, above, round);
    await clock.time('rewritten, bare program', () => rewriteBare(production.sql, bare));
    await all('rewritten');
    await edit(lower.ask, above, round, 100);
    await clock.time('changed, bare digests', () => digestsOf([production, preprod]));
    await clock.time('changed, bare program', () => refreshChangedBare(production.sql, bare));
    await all('changed');
  }
  await bare.stop();
  const faster = (state: string, peer: string) =>
    clock.ratio(`${state}, ${peer}`, `${state}, oneway`);
  const slower = (state: string, than: string) =>
    clock.ratio(`${state}, oneway`, `${state}, ${than}`);
  const ofLimit = (state: string) =>
    `${times(slower(state, 'proven'))} of the bare statements with history and proof; ` +
    `these alone ${times(clock.ratio(`${state}, mysqldump`, `${state}, proven`))} as fast as mysqldump`;
  const into = `refresh of ${rows.toLocaleString('en')} rows`;
  return {
    rounds: clock.rounds,
    goals: [
      cold(
        atLeast(
          `${into}, empty destination: faster than mysqldump piped into mysql`,
          1,
          faster('empty', 'mysqldump'),
        ),
      ),
      cold(
        atLeast(
          `${into}, empty destination: faster than pt-table-sync`,
          25,
          faster('empty', 'pt-table-sync'),
        ),
      ),
      cold(
        besides(
          within(
            `${into}, empty destination: of the in-server limit`,
            1.8,
            slower('empty', 'limit'),
          ),
          ofLimit('empty'),
        ),
      ),
      cold(
        atLeast(
          `${into}, every row rewritten: faster than mysqldump`,
          0.8,
          faster('rewritten', 'mysqldump'),
        ),
      ),
      cold(
        besides(
          within(
            `${into}, every row rewritten: of the in-server limit`,
            2,
            slower('rewritten', 'limit'),
          ),
          `${ofLimit('rewritten')}; sent by a program between two servers ${times(clock.ratio('rewritten, bare program', 'rewritten, limit'))} of the limit`,
        ),
      ),
      warm(
        besides(
          atLeast(
            `${into}, 1% changed: faster than pt-table-sync`,
            5,
            faster('changed', 'pt-table-sync'),
          ),
          `the digests of both servers alone ${times(clock.ratio('changed, pt-table-sync', 'changed, bare digests'))}; ` +
            `the bare statements of a program ${times(clock.ratio('changed, pt-table-sync', 'changed, bare program'))}`,
        ),
      ),
    ],
  };
}

async function down(here: App) {
  const { source, settings } = here;
  if (!source) throw new Error('There is no source');
  const lease = settings.lease.milliseconds;
  const report = await runRefresh({ here, there: source, source, lease });
  if (report.skippedRows.length > 0)
    throw new Error(`${report.skippedRows.length} rows were skipped`);
}
