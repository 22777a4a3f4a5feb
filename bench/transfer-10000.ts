// Sends 10,000 tasks to pre-production in one transfer, as a person does: opening the sheet, then sending it.
import { v4 as uuid } from 'uuid';
import * as selections from '../src/sheet/selections.ts';
import { prepareSheet } from '../src/sheet/sheet.ts';
import { send } from '../src/transfers/send.ts';
import type { App } from '../src/environments/app.ts';
import { pm, routeFrom } from '../test/support/rows.ts';
import { BARE, openBareTransfer, planBare, transferBare } from './support/bare-transfer.ts';
import { fillAll, recordSyncState } from './support/used-environments.ts';
import { atLeast, besides, within } from './support/goals.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import { insideServer, peerTable, sync, transferredInsideServer } from './support/peers.ts';
import { times, type Found } from './support/results.ts';
import { edit, range } from './support/rows.ts';
import { load, serve } from './support/site.ts';
import { Clock, ROUNDS, sized } from './support/timing.ts';

export async function transfer10000(ground: Ground): Promise<Found> {
  const { world, lower, upper } = ground;
  const { staging, preprod } = world;
  const rows = sized(10_000);
  const here = { server: lower, database: databaseOf(staging), name: 'task' };
  await fillAll(ground, rows);
  const clock = new Clock();
  let bytes = 0;
  const names = { here: here.database, there: databaseOf(preprod) };
  const bare = await openBareTransfer({ here: lower, there: upper }, names);
  const site = await serve(staging, world.variables.staging);
  try {
    // The limit is a single short statement whose time varies a lot, so it needs more rounds.
    for (let round = 1; round <= ROUNDS * 2 + 1; round += 1) {
      const limit = await peerTable(lower, 'peer_limit', here.database);
      const promised = await peerTable(lower, 'peer_promised', here.database);
      const synced = await peerTable(upper, 'peer_sync', databaseOf(preprod));
      await insideServer(lower.ask, here.database, limit.database);
      await transferredInsideServer(lower.ask, here.database, promised.database);
      await insideServer(upper.ask, names.there, synced.database);
      await insideServer(upper.ask, names.there, BARE);
      await edit(lower.ask, here.database, round);
      await recordSyncState(staging);
      await clock.time('limit', () => insideServer(lower.ask, here.database, limit.database));
      await insideServer(lower.ask, here.database, BARE);
      await lower.ask.query(`INSERT IGNORE INTO ??.row_state SELECT * FROM ??.row_state`, [
        BARE,
        here.database,
      ]);
      await clock.time('bare statements', () =>
        transferredInsideServer(lower.ask, here.database, promised.database),
      );
      await clock.time('bare statements of a sheet', () => planBare(bare));
      await clock.time('bare statements of a program', () => transferBare(bare));
      const selection = await basket(staging, rows);
      const page = await load(site, `/selections/${selection}`);
      bytes = page.bytes;
      await clock.time('oneway', () => sendAll(staging, selection, clock));
      await clock.time('pt-table-sync', () => sync(here, synced));
    }
  } finally {
    await site.stop();
    await bare.stop();
  }
  const what = `transfer of ${rows.toLocaleString('en')} rows`;
  return {
    rounds: clock.rounds,
    counts: { bytesOfTheSheet: bytes },
    goals: [
      besides(
        atLeast(`${what}: faster than pt-table-sync`, 3, clock.ratio('pt-table-sync', 'oneway')),
        `${times(clock.ratio('pt-table-sync', 'of it, the click'))} without the sheet; ` +
          `the bare statements of a program, with those of a sheet, ${times(clock.median('pt-table-sync') / bareTime(clock))}`,
      ),
      besides(
        within(
          `${what}, the click: of the in-server limit`,
          10,
          clock.ratio('of it, the click', 'limit'),
        ),
        `the bare statements of its promises inside one server ${times(clock.ratio('bare statements', 'limit'))}; ` +
          `sent by a program between two servers ${times(clock.ratio('bare statements of a program', 'limit'))}`,
      ),
      {
        goal: `the sheet for ${rows.toLocaleString('en')} rows under 1 MB of HTML`,
        measured: `${Math.round(bytes / 1000).toLocaleString('en')} kB`,
        isMet: bytes < 1_000_000,
      },
    ],
  };
}

/** The milliseconds of the bare statements of a sheet and a click. */
const bareTime = (clock: Clock) =>
  clock.median('bare statements of a sheet') + clock.median('bare statements of a program');

const basket = (here: App, rows: number) =>
  selections.create(here.sql, pm.email, {
    keys: range(rows).map((id) => ({ entity: 'task', id })),
  });

async function sendAll(here: App, id: string, clock: Clock) {
  const route = routeFrom(here);
  const selection = await selections.find(here.sql, id);
  // Only the hash is kept, because the person has left the sheet when the click is handled.
  const planHash = await clock.time('of it, the sheet', async () => {
    const { plan } = await prepareSheet(route, selection);
    return plan.hash;
  });
  const click = { planHash, idempotencyKey: uuid(), name: '', person: pm.email };
  const sent = await clock.time('of it, the click', () =>
    send(route, selection, { ...click, reason: 'Checked with the shop' }),
  );
  if (sent.state !== 'verified') throw new Error(`It ended as ${sent.state}: ${sent.problem}`);
}
