// Compares 100,000 rows that are equal in both environments. Both servers compute digests of the rows, as they do for
// pt-table-sync, too. Each round measures the comparison twice: cold, without results of an earlier comparison, and
// warm, with them.
import { entityNamed } from '../src/catalog/index.ts';
import type { App } from '../src/environments/app.ts';
import { chunkDigests, LAST_CHUNK } from '../src/rows/row-hashes.ts';
import { recordSyncState } from './support/used-environments.ts';
import { atLeast, besides, cold } from './support/goals.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import { sync } from './support/peers.ts';
import { times, type Found } from './support/results.ts';
import { fillSql } from './support/rows.ts';
import { Clock, ROUNDS, sized } from './support/timing.ts';

/**
 * Computes the digests (checksums of chunks of rows) of the table `task` in these environments at the same time,
 * without comparing or storing the digests.
 */
export const digestsOf = (sides: App[]) =>
  Promise.all(sides.map(({ sql }) => chunkDigests(sql, entityNamed('task'), 0, LAST_CHUNK)));

export async function compare({ world, lower, upper }: Ground): Promise<Found> {
  const rows = sized(100_000);
  const { staging, preprod } = world;
  const clock = new Clock();
  await fillSql(lower.ask, databaseOf(staging), rows);
  await fillSql(upper.ask, databaseOf(preprod), rows);
  const [here, there] = [
    { server: lower, database: databaseOf(staging), name: 'task' },
    { server: upper, database: databaseOf(preprod), name: 'task' },
  ];
  for (let round = 1; round <= ROUNDS * 2 + 1; round += 1) {
    for (const table of ['row_state', 'destination_state', 'base_chunk']) {
      await lower.ask.query('DELETE FROM ??.??', [databaseOf(staging), table]);
    }
    await clock.time('cold, oneway', () => recordSyncState(staging));
    await clock.time('warm, oneway', () => recordSyncState(staging));
    await clock.time('bare digests', () => digestsOf([staging, preprod]));
    const said = await clock.time('pt-table-sync', () => sync(here, there, '--print'));
    if (said !== '') throw new Error('pt-table-sync saw a difference');
  }
  return {
    rounds: clock.rounds,
    goals: [
      cold(
        besides(
          atLeast(
            `compare of ${rows.toLocaleString('en')} equal rows: faster than pt-table-sync`,
            1.5,
            clock.ratio('pt-table-sync', 'cold, oneway'),
          ),
          `${times(clock.ratio('pt-table-sync', 'warm, oneway'))} times from the second time on; ` +
            `the digests of both servers alone ${times(clock.ratio('pt-table-sync', 'bare digests'))}`,
        ),
      ),
    ],
  };
}
