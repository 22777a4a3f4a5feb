// I4 I7 I9: work that is killed at its n-th step happens completely or not at all, and nothing stays stuck. This file
// kills at some steps; `bin/test --long` kills at every step, 1,200 times.
import { expect, test } from 'vitest';
import { killAt, scenarios } from '../support/kill-scenarios.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

/** The numbers of steps at which processes are killed: an early, a middle and a late one. */
const sample = [2, 8, 13];

test.each(Object.keys(scenarios))(
  'work that is killed at its 2nd, 8th or 13th step happens completely or not at all: %s',
  async (name) => {
    const scenario = scenarios[name];
    if (!scenario) throw new Error(`There is no scenario ${name}`);
    let kills = 0;
    for (const n of sample) {
      const { found, wasKilled } = await killAt(world, scenario, n);
      expect({ name, n, found }).toEqual({ name, n, found: [] });
      if (wasKilled) kills += 1;
    }
    expect(kills).toBeGreaterThan(0);
  },
);
