// One worker of `bin/test --long`: kills the process of every scenario at each of its failpoints (named steps of a
// write), repeatedly, and checks both databases after each kill. Sends the counts of kills and inconsistencies to its
// parent process.
import pRetry from 'p-retry';
import { dismiss, recoverNow, stoppedAt } from './killing.ts';
import { findings, type Finding } from './checker.ts';
import { killAt, scenarios } from './kill-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { openWorld, type World } from './world.ts';

const [, , wanted = '1200', worker = '1', workers = '1'] = process.argv;
const target = Math.ceil(Number(wanted) / Number(workers));

const counts = { kills: 0, stops: 0, halfApplied: 0, overwritten: 0, stuck: 0 };

function count(name: string, n: number, found: Finding[]) {
  for (const { kind, what } of found) {
    if (kind === 'half-applied') counts.halfApplied += 1;
    else counts[kind] += 1;
    console.log(`${name}, step ${n}: ${kind}: ${what}`);
  }
}

/** Kills the process of a scenario at its failpoint 1, 2, 3 …, until a run ends before it reaches that failpoint. */
async function killEverywhere(world: World, name: string, scenario: Scenario) {
  for (let n = 1; counts.kills < target; n += 1) {
    const { found, wasKilled } = await pRetry(() => killAt(world, scenario, n), {
      retries: 5,
      minTimeout: 5000,
      // On a busy machine, a save that prepares the scenario may get no answer in time. That is no inconsistency, so
      // the same kill is tried again.
      shouldRetry: ({ error }) => /does not answer|not certain/.test(error.message),
      onFailedAttempt: ({ error }) => console.log(`${name}, step ${n}: again: ${error.message}`),
    });
    count(name, n, found);
    if (!wasKilled) return;
    counts.kills += 1;
    if (counts.kills % 50 === 0) console.log(`worker ${worker}: ${counts.kills} kills`);
  }
}

/**
 * Pauses the process of a scenario at its failpoint 1, 2, 3 …, and resumes it after recovery took over its transfer.
 */
async function stopEverywhere(world: World, scenario: Scenario) {
  for (let n = 1; ; n += 1) {
    await world.clear();
    const { task, origin, destination, before, after } = await scenario(world);
    const { wasStopped, goOn } = await stoppedAt(world.variables[origin], task, {
      point: 'any',
      times: n,
    });
    await recoverNow(world[origin]);
    await goOn();
    await recoverNow(world[origin]);
    count('stopped', n, await findings(world[origin], world[destination], { before, after }));
    if (!wasStopped) return;
    counts.stops += 1;
  }
}

const world = await openWorld(`long${worker}`);
try {
  const sending = scenarios['a transfer'];
  if (sending && worker === '1') await stopEverywhere(world, sending);
  while (counts.kills < target) {
    for (const [name, scenario] of Object.entries(scenarios)) {
      await killEverywhere(world, name, scenario);
    }
  }
} finally {
  dismiss();
  await world.close();
}
process.send?.(counts);
process.exit(0);
