// Measures how many pages of the task list Oneway serves per second, against the list page of Django admin for the same
// table. Each program runs in one process, and gets the same load from a signed-in person.
import { fillAll } from './support/used-environments.ts';
import { django } from './support/django.ts';
import { atLeast } from './support/goals.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import type { Found } from './support/results.ts';
import { load, pagesPerSecond, serve, type Site } from './support/site.ts';
import { median, ROUNDS, sized, type Rounds } from './support/timing.ts';

const LOAD = { connections: 4, seconds: 10 };

export async function pages(ground: Ground): Promise<Found> {
  const { world, lower } = ground;
  await fillAll(ground, sized(100_000));
  const ours = { path: '/catalog/task', site: await serve(world.staging, world.variables.staging) };
  const theirs = {
    path: '/admin/catalogue/task/',
    site: await django(lower, databaseOf(world.staging)),
  };
  const rounds: Rounds = { oneway: [], django: [] };
  const measure = async (name: string, { site, path }: { site: Site; path: string }) => {
    const rate = await pagesPerSecond(site, path, LOAD);
    console.log(`  ${name}: ${rate.toFixed(1)} pages a second`);
    rounds[name]?.push(rate);
  };
  try {
    // Checks that both programs list the tasks, and warms both up.
    for (const { site, path } of [ours, theirs]) {
      const { text } = await load(site, path);
      if (!/100[,.]?000|tasks/i.test(text)) throw new Error(`${path} lists no tasks`);
      await pagesPerSecond(site, path, { ...LOAD, seconds: 3 });
    }
    for (let round = 1; round <= ROUNDS; round += 1) {
      await measure('oneway', ours);
      await measure('django', theirs);
    }
  } finally {
    await Promise.all([ours.site.stop(), theirs.site.stop()]);
  }
  const ratio = median(rounds['oneway'] ?? []) / median(rounds['django'] ?? []);
  return {
    counts: { pagesASecond: rounds },
    goals: [atLeast("pages a second: of Django admin's changelist over the same table", 3, ratio)],
  };
}
