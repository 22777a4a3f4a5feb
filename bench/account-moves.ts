// Measures account migrations by a real worker: how fast messages are stored (against bare INSERT statements of the
// same rows), how fast a whole account is migrated (against the program dlt), and how soon a person can work while
// other accounts are migrated or many apps poll. The older system, from which the accounts come, runs in another
// process.
import { dltMove, dropDlt, installDlt } from './support/dlt.ts';
import { atLeast, besides, within } from './support/goals.ts';
import type { Ground } from './support/ground.ts';
import {
  addRunning,
  countRows,
  insertBare,
  rowsOf,
  sourceOf,
  writeKeyed,
} from './support/keyed-pages.ts';
import { addAccount, moveOne, openMoving, request } from './support/moving.ts';
import { behindWave, whilePolled, type Bench } from './support/persons.ts';
import { times, type Found, type Goal } from './support/results.ts';
import { Clock, ROUNDS, sized } from './support/timing.ts';

export async function accountMoves(ground: Ground): Promise<Found> {
  const dlt = installDlt();
  const moving = await openMoving(ground);
  const bench = { ground, clock: new Clock(), moving };
  try {
    // The first account is not measured: it fills caches and opens connections.
    await addAccount(moving, 'warm', sized(2000), { attachmentEvery: 10 });
    await moveOne(moving, 'warm');
    const goals = [
      await keyedPages(bench),
      ...(await besideDlt(bench, dlt)),
      await recentFirst(bench),
      await behindWave(bench),
      ...(await whilePolled(bench)),
    ];
    return { rounds: bench.clock.rounds, goals };
  } finally {
    await moving.close();
  }
}

async function keyedPages({ clock, moving: { here } }: Bench): Promise<Goal> {
  const messages = sized(50_000);
  const keyed = async (name: string) => {
    const source = sourceOf(name, messages);
    const at = await addRunning(here, source);
    await clock.time('keyed pages', () => writeKeyed(at, source));
    return countRows(here, at);
  };
  const bare = async (name: string) => {
    const source = sourceOf(name, messages);
    const at = await addRunning(here, source);
    const rows = rowsOf(at, source);
    await clock.time('bare inserts', () => insertBare(here, rows));
    return countRows(here, at);
  };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const counts = [await keyed(`keyed-${round}`), await bare(`bare-${round}`)];
    if (counts[0] !== counts[1]) throw new Error(`Other rows: ${counts.join(' and ')}`);
  }
  return besides(
    within(
      `${text(messages)} messages in keyed pages with their position: of bare inserts of the same rows`,
      1.2,
      clock.pairRatio('keyed pages', 'bare inserts'),
    ),
    `${text(Math.round((1000 * messages) / clock.median('keyed pages')))} messages a second`,
  );
}

async function besideDlt(bench: Bench, dlt: string): Promise<Goal[]> {
  const { ground, clock, moving } = bench;
  const messages = sized(20_000);
  const keep = (what: string, milliseconds: number) => {
    (clock.rounds[what] ??= []).push(Math.round(milliseconds * 100) / 100);
    console.log(`  ${what}: ${milliseconds.toFixed(1)} ms`);
  };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const account = `large-${round}`;
    await addAccount(moving, account, messages);
    const { completed } = await moveOne(moving, account);
    keep('whole account', completed);
    await clock.time('whole account, again', () => request(moving, account));
    const wanted = { store: moving.older.storeUrl, account, round };
    for (const [what, isIncremental] of [
      ['dlt', false],
      ['dlt, again', false],
      ['dlt incremental', true],
      ['dlt incremental, again', true],
    ] as const) {
      const { whole, run, rows } = await dltMove(ground, { ...wanted, isIncremental });
      if (rows !== messages) throw new Error(`dlt has ${rows} of ${messages} messages`);
      keep(what, whole);
      keep(`${what}: without its start`, run);
    }
    await dropDlt(ground, round);
  }
  const ratio = (what: string, than: string) => times(clock.pairRatio(what, than));
  const [once, again] = ['whole account', 'whole account, again'] as const;
  return [
    besides(
      atLeast(
        `an account of ${text(messages)} messages from the store: faster than dlt (merge)`,
        8,
        clock.pairRatio('dlt', once),
      ),
      `${ratio('dlt: without its start', once)} without the start of Python; ${dlt}`,
    ),
    besides(
      atLeast(
        'the same again, nothing new: faster than dlt',
        100,
        clock.pairRatio('dlt, again', again),
      ),
      `${ratio('dlt incremental, again: without its start', again)} when it asks only for newer messages, without the start of Python`,
    ),
  ];
}

async function recentFirst({ clock, moving }: Bench): Promise<Goal> {
  const messages = sized(10_000);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const attachmentEvery of [0, 10]) {
      const account = `recent-${round}-${attachmentEvery}`;
      await addAccount(moving, account, messages, { attachmentEvery });
      const reached = await moveOne(moving, account);
      const what = `${text(messages)} messages${attachmentEvery ? ' with attachments' : ''}`;
      for (const [status, milliseconds] of Object.entries(reached)) {
        (clock.rounds[`${what}: ${status}`] ??= []).push(milliseconds);
      }
      console.log(`  ${what}: ${JSON.stringify(reached)}`);
    }
  }
  const ratio = (what: string) =>
    clock.pairRatio(`${what}: completed`, `${what}: recent-messages-only`);
  const what = `${text(messages)} messages`;
  return besides(
    atLeast(`recent messages of ${text(messages)}, sooner than all of them`, 5, ratio(what)),
    `${times(ratio(`${what} with attachments`))} times if a tenth has attachments`,
  );
}

const text = (number: number) => number.toLocaleString('en');
