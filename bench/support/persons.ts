// Measures how soon a person can work after requesting an account migration: alone, during a wave (the migration of
// many accounts), and while a thousand apps poll the API.
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bin/programs.ts';
import { addWave, pauseWave, resumeWave } from '../../src/account-moves/waves.ts';
import type { Ground } from './ground.ts';
import { addAccount, addPolled, moveOne, waveFacts, type Moving, type Reached } from './moving.ts';
import { RUN_NODE } from './as-in-product.ts';
import { startPolling } from './polling.ts';
import { times, type Goal } from './results.ts';
import { listening } from './site.ts';
import { median, ROUNDS, sized, type Clock } from './timing.ts';

export type Bench = { ground: Ground; clock: Clock; moving: Moving };

/** `PERSONAL`: the messages of a person’s account. `PERSONS`: how many accounts are moved in a round. */
const PERSONAL = 1500;
const PERSONS = 5;
/**
 * The number of messages in each account of the wave (the migration of many accounts). It is so large that the wave
 * does not end before the last round.
 */
const WAVE = 16_000;
const STATUSES = ['channels-only', 'recent-messages-only'] as const;

/**
 * Migrates the accounts of some people one after the other, and records the median time until each migration status,
 * such as `recent-messages-only`.
 */
async function persons({ clock, moving }: Bench, how: string, round: number) {
  const all: Reached[] = [];
  for (let person = 1; person <= PERSONS; person += 1) {
    all.push(await moveOne(moving, personOf(how, round, person), 20));
  }
  for (const status of STATUSES) {
    const milliseconds = median(all.map((one) => one[status]));
    (clock.rounds[`${how}: ${status}`] ??= []).push(milliseconds);
    console.log(`  ${how}: ${status} after ${Math.round(milliseconds)} ms`);
  }
}

const personOf = (how: string, round: number, person: number) =>
  `${how.replaceAll(' ', '-')}-${round}-${person}`;

async function addPersons({ moving }: Bench, how: string) {
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (let person = 1; person <= PERSONS; person += 1) {
      await addAccount(moving, personOf(how, round, person), PERSONAL);
    }
  }
}

export async function behindWave(bench: Bench): Promise<Goal> {
  const { moving } = bench;
  const { here } = moving;
  for (const how of ['alone', 'before a wave']) await addPersons(bench, how);
  const accounts = Array.from({ length: 20 }, (_one, index) => `wave-${index + 1}`);
  for (const account of accounts) await addAccount(moving, account, WAVE);
  const person = 'ops@example.com';
  const { id } = await addWave(here, { name: 'Bench', accounts, atOnce: 20, person });
  await goesOn(moving, id);
  for (let round = 1; round <= ROUNDS; round += 1) {
    if (round > 1) await resumeWave(here, id, person);
    await goesOn(moving, id);
    await persons(bench, 'before a wave', round);
    const { open } = await waveFacts(moving, id);
    if (open < 4) throw new Error(`The wave of round ${round} had ${open} accounts left`);
    await pauseWave(here, id, person);
    await isAtRest(moving, id);
    await persons(bench, 'alone', round);
  }
  return compared(
    bench,
    'a person while 20 accounts of a wave move: times until channels and until recent messages, of those of a person alone',
    { how: 'before a wave', than: 'alone', most: 1.5 },
  );
}

/**
 * Waits until more messages of a wave (the migration of many accounts) have arrived, so that the wave is surely
 * running.
 */
async function goesOn(moving: Moving, wave: number) {
  const { messages: before } = await waveFacts(moving, wave);
  for (let facts = await waveFacts(moving, wave); facts.messages <= before;) {
    await sleep(50);
    facts = await waveFacts(moving, wave);
  }
}

async function isAtRest(moving: Moving, wave: number) {
  let before = -1;
  for (let facts = await waveFacts(moving, wave); facts.messages !== before;) {
    before = facts.messages;
    await sleep(1500);
    facts = await waveFacts(moving, wave);
  }
}

type Compared = { how: string; than: string; most: number };

function compared({ clock }: Bench, goal: string, { how, than, most }: Compared): Goal {
  const ratios = STATUSES.map((status) =>
    clock.pairRatio(`${how}: ${status}`, `${than}: ${status}`),
  );
  const milliseconds = (one: string) =>
    STATUSES.map((status) => Math.round(clock.median(`${one}: ${status}`))).join(' and ');
  return {
    goal: `${goal} within ${most} times`,
    measured: `${ratios.map(times).join(' and ')} times; ${milliseconds(how)} ms, alone ${milliseconds(than)} ms`,
    isMet: Math.max(...ratios) <= most,
  };
}

export async function whilePolled(bench: Bench): Promise<Goal[]> {
  const { clock, moving } = bench;
  const clients = sized(1000);
  for (const how of ['not polled', 'polled']) await addPersons(bench, how);
  const ids = Array.from({ length: clients }, (_one, index) => `polled-${index + 1}`);
  await addPolled(moving, ids);
  const port = await freePort();
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    ...moving.variables,
    PORT: String(port),
    RUN_JOBS: 'false',
  };
  const server = await listening(RUN_NODE, ['src/server.ts'], { env }, port, '/healthcheck');
  const taken: number[] = [];
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const tokens: string[] = [];
      for (const id of ids) tokens.push(await moving.older.shopperToken(id));
      await persons(bench, 'not polled', round);
      const polling = startPolling({ url: server.url, tokens });
      await sleep(5000);
      await persons(bench, 'polled', round);
      const all = await polling.stop();
      (clock.rounds['poll, median'] ??= []).push(median(all));
      console.log(`  ${all.length} polls: ${median(all).toFixed(1)} ms`);
      taken.push(...all);
    }
  } finally {
    await server.stop();
  }
  const sorted = taken.toSorted((one, other) => one - other);
  const late = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  return [
    {
      goal: `${text(clients)} apps that ask every 5 s: the median of an answer within 50 ms`,
      measured: `${median(taken).toFixed(1)} ms, 95% within ${Math.round(late)} ms, while a person’s account moves`,
      isMet: median(taken) <= 50,
    },
    compared(bench, 'a person meanwhile: the same times of those without them', {
      how: 'polled',
      than: 'not polled',
      most: 2,
    }),
  ];
}

const text = (number: number) => number.toLocaleString('en');
