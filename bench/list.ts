// Measures a list page of 50 out of 100,000 tasks with their status in pre-production and production, against the bare
// SELECT statements of that page: once with cached counts, and once when the page has to count the rows.
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type Connection } from 'mysql2/promise';
import { fillAll } from './support/used-environments.ts';
import { TTL_MS } from '../src/database/cached-for.ts';
import { cold, warm, within } from './support/goals.ts';
import { databaseOf, type Ground, type Server } from './support/ground.ts';
import { heard } from './support/heard.ts';
import type { Found } from './support/results.ts';
import { load, serve } from './support/site.ts';
import { Clock, sized } from './support/timing.ts';

const PATH = '/catalog/task';
const states = {
  cached: { pause: 0, looks: 40 },
  'counted again': { pause: TTL_MS + 100, looks: 8 },
};

export async function list(ground: Ground): Promise<Found> {
  const { world, lower, upper } = ground;
  await fillAll(ground, sized(100_000));
  const site = await serve(world.staging, world.variables.staging);
  const here = await connected(lower, databaseOf(world.staging));
  const there = await connected(upper, databaseOf(world.preprod));
  const clock = new Clock();
  const counts: Record<string, { statements: number; own: string[]; above: string[] }> = {};
  try {
    for (let one = 0; one < 10; one += 1) await load(site, PATH);
    for (const [state, { pause, looks }] of Object.entries(states)) {
      const { own, above, size } = await statementsOf(ground, pause, () => load(site, PATH));
      counts[state] = { statements: size, own, above };
      for (let look = 1; look <= looks; look += 1) {
        await sleep(pause);
        // Without a pause, the page is measured with cached counts: the first load, which is not timed, may have to
        // count the rows, and the timed load then finds the counts in the cache.
        if (pause === 0) await load(site, PATH);
        await clock.time(`page, ${state}`, () => load(site, PATH));
        // A system takes memory away from programs that are silent for seconds, so the SELECTs follow a silence, too.
        await sleep(pause);
        await clock.time(`its bare SELECTs, ${state}`, async () => {
          for (const text of own.filter(isSelect)) await here.query(text);
          for (const text of above.filter(isSelect)) await there.query(text);
        });
      }
    }
    const other = await statementsOf(ground, 0, () => load(site, `${PATH}?page=7`));
    const numbers = Object.entries(counts).map(([state, one]) => `${one.statements} ${state}`);
    return {
      rounds: clock.rounds,
      counts,
      goals: [
        ...Object.keys(states).map((state) =>
          (state === 'cached' ? warm : cold)(
            within(
              `a list page of 50 of 100,000 rows with status at two stops, numbers ${state}: of its bare SELECTs`,
              3,
              clock.ratio(`page, ${state}`, `its bare SELECTs, ${state}`),
            ),
          ),
        ),
        {
          goal: 'the statements of a list page are a fixed number',
          measured: numbers.join(', '),
          isMet: Object.values(counts).some(({ own }) => own.length === other.own.length),
        },
      ],
    };
  } finally {
    await Promise.all([site.stop(), here.end(), there.end()]);
  }
}

/**
 * Records the statements of a page at both stops. The server program’s periodic jobs may send statements at the same
 * time, so the page is loaded several times, and the load with the fewest statements counts.
 */
async function statementsOf({ lower, upper }: Ground, pause: number, look: () => Promise<unknown>) {
  const record = async () => {
    await sleep(pause);
    let above: string[] = [];
    const own = await heard(lower, async () => {
      above = await heard(upper, look);
    });
    return { own, above, size: own.length + above.length };
  };
  let fewest = await record();
  for (let more = 0; more < 2; more += 1) {
    const next = await record();
    if (next.size < fewest.size) fewest = next;
  }
  return fewest;
}

const isSelect = (text: string) => /^select/i.test(text);

const connected = ({ url }: Server, database: string): Promise<Connection> =>
  createConnection({
    uri: url.href,
    database,
    charset: 'utf8mb4_bin',
    dateStrings: true,
    supportBigNumbers: true,
  });
