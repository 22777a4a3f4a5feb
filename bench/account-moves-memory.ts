// Measures the memory of a worker that migrates accounts. The memory must not grow with the number of messages of an
// account. The older system, from which the accounts come, keeps its records on disk.
import { chosenRows } from './support/arguments.ts';
import type { Ground } from './support/ground.ts';
import { addAccount, moveOne, openMoving } from './support/moving.ts';
import { peakOf } from './support/peak.ts';
import type { Found } from './support/results.ts';
import { Clock } from './support/timing.ts';

const LIMIT = 300;

export async function accountMovesMemory(ground: Ground): Promise<Found> {
  const many = chosenRows(1_000_000);
  const clock = new Clock();
  const megabytes: number[] = [];
  for (const messages of [Math.ceil(many / 10), many]) {
    // Each account gets a new worker, because the measured peak is the peak of a whole process.
    const moving = await openMoving(ground, true);
    try {
      const account = `memory-${messages}`;
      await clock.time('generated', () =>
        addAccount(moving, account, messages, { attachmentEvery: 1000, perThread: 20 }),
      );
      await clock.time('moved', () => moveOne(moving, account, 500));
      megabytes.push(peakOf({ pid: moving.worker }));
      console.log(`  ${messages} messages: ${megabytes.at(-1)} MB`);
    } finally {
      await moving.close();
    }
  }
  const [few, most] = megabytes;
  return {
    rounds: clock.rounds,
    counts: { many, megabytes },
    goals: [
      {
        goal: `migrating an account of ${many.toLocaleString('en')} messages within ${LIMIT} MB of RSS`,
        measured: `${most} MB; ${few} MB with a tenth of the messages`,
        isMet: (most ?? Infinity) <= LIMIT,
      },
    ],
  };
}
