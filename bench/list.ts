// A list page of 50 out of 100,000 tasks, with their status at the next two stops, beside the SELECTs it asks for.
import { createConnection, type Connection } from 'mysql2/promise';
import { fillAll } from './support/books.ts';
import { within } from './support/goals.ts';
import { databaseOf, type Ground, type Server } from './support/ground.ts';
import { heard } from './support/heard.ts';
import type { Found } from './support/results.ts';
import { load, serve } from './support/site.ts';
import { Clock, sized } from './support/timing.ts';

const PATH = '/catalog/task';
const LOOKS = 40;

export async function list(ground: Ground): Promise<Found> {
  const { world, lower, upper } = ground;
  await fillAll(ground, sized(100_000));
  const site = await serve(world.staging, world.variables.staging);
  const clock = new Clock();
  try {
    for (let one = 0; one < 10; one += 1) await load(site, PATH);
    let above: string[] = [];
    const own = await heard(lower, async () => {
      above = await heard(upper, () => load(site, PATH));
    });
    const other = await heard(lower, () => load(site, `${PATH}?page=7`));
    const [here, there] = [
      await connected(lower, databaseOf(world.staging)),
      await connected(upper, databaseOf(world.preprod)),
    ];
    const bare = async () => {
      for (const text of own.filter(isSelect)) await here.query(text);
      for (const text of above.filter(isSelect)) await there.query(text);
    };
    for (let look = 1; look <= LOOKS; look += 1) {
      await clock.time('page', () => load(site, PATH));
      await clock.time('its bare SELECTs', bare);
    }
    await Promise.all([here.end(), there.end()]);
    const statements = own.length + above.length;
    return {
      rounds: clock.rounds,
      counts: { statements, own, above, statementsOfAnotherPage: other.length + above.length },
      goals: [
        within(
          'a list page of 50 of 100,000 rows, with status at two stops: of its bare SELECTs',
          3,
          clock.ratio('page', 'its bare SELECTs'),
        ),
        {
          goal: 'the statements of a list page are a fixed number',
          measured: `${statements}`,
          isMet: own.length === other.length,
        },
      ],
    };
  } finally {
    await site.stop();
  }
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
