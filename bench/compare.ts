// Measures the comparison of 100,000 rows that are equal on both sides, against pt-table-sync. The first comparison
// reads every row. Later comparisons let both servers compute digests, as pt-table-sync does.
import { recordSyncState } from './support/used-environments.ts';
import { atLeast, besides, warm } from './support/goals.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import { sync } from './support/peers.ts';
import { times, type Found } from './support/results.ts';
import { fillSql } from './support/rows.ts';
import { Clock, ROUNDS, sized } from './support/timing.ts';

export async function compare({ world, lower, upper }: Ground): Promise<Found> {
  const rows = sized(100_000);
  const { staging, preprod } = world;
  const clock = new Clock();
  await fillSql(lower.ask, databaseOf(staging), rows);
  await fillSql(upper.ask, databaseOf(preprod), rows);
  await clock.time('first look, oneway', () => recordSyncState(staging));
  const [here, there] = [
    { server: lower, database: databaseOf(staging), name: 'task' },
    { server: upper, database: databaseOf(preprod), name: 'task' },
  ];
  for (let round = 1; round <= ROUNDS * 2 + 1; round += 1) {
    await clock.time('oneway', () => recordSyncState(staging));
    const said = await clock.time('pt-table-sync', () => sync(here, there, '--print'));
    if (said !== '') throw new Error('pt-table-sync saw a difference');
  }
  return {
    rounds: clock.rounds,
    goals: [
      warm(
        besides(
          atLeast(
            `compare of ${rows.toLocaleString('en')} equal rows: faster than pt-table-sync`,
            1.5,
            clock.ratio('pt-table-sync', 'oneway'),
          ),
          `${times(clock.median('pt-table-sync') / clock.median('first look, oneway'))} times the first time, cold`,
        ),
      ),
    ],
  };
}
