// The wave of the demo: accounts of the invented older system that wait to be moved in.
import { addWave, listWaves, pauseWave } from '../src/account-moves/waves.ts';
import type { App } from '../src/environments/app.ts';

const person = 'moves@example.com';

/** Adds a wave that waits to be resumed. */
export async function seedWave(here: App) {
  if ((await listWaves(here.sql)).length > 0) return;
  const { id } = await addWave(here, {
    name: 'Pilot shops',
    accounts: Array.from(
      { length: 12 },
      (_one, index) => `shop-${String(index + 1).padStart(2, '0')}`,
    ),
    atOnce: 3,
    person,
  });
  await pauseWave(here, id, person);
}
