// Runs large transfers as background jobs.
import type { App } from '../environments/app.ts';
import type { Work } from '../jobs/task.ts';
import * as journal from '../writing/journal.ts';
import { OutcomePending } from '../writing/work.ts';
import { runTransfer } from '../writing/run-transfer.ts';
import { Problem } from '../problems.ts';

/** The job’s `onlyOne` key: one active job per transfer. */
export const jobKeyOf = (transfer: string) => `transfer ${transfer}`;

/**
 * Runs a transfer that is recorded in the table `transfer`. If recovery already runs the transfer, waits until it has
 * ended.
 */
export async function runTransferJob(
  { here, report }: Work,
  { transfer: id }: { transfer: string },
) {
  const transfer = await journal.byId(here.sql, id);
  if (!transfer) throw new Problem(404, 'The transfer is not in the journal.');
  const total = await journal.size(here.sql, id);
  const say = (done: number, doing: string) => {
    report({ done, total, doing }).catch(() => {
      // Ignored: a progress report that fails must not stop the transfer.
    });
  };
  if (transfer.state === 'planned' && transfer.fence === 1) await runOpened(here, transfer, say);
  for (;;) {
    const ended = await journal.waitUntilEnded(here, id);
    if (ended.state === 'verified') return { transfer: ended.number };
    if (!journal.liveStates.includes(ended.state)) {
      throw new Problem(409, ended.problem ?? 'Nothing was written.');
    }
    await report({ done: 0, total, doing: 'In progress' });
  }
}

async function runOpened(
  here: App,
  transfer: journal.Transfer,
  say: (done: number, doing: string) => void,
) {
  const there = transfer.destination === here.name ? here : here.destination;
  if (!there) throw new Problem(422, 'Its destination cannot be reached from here.');
  await runTransfer(here, there, transfer, here.settings.lease.milliseconds, { say }).catch(
    (error: unknown) => {
      // After these two errors recovery completes the transfer, so the job does not fail.
      if (!(error instanceof OutcomePending || error instanceof journal.FencedOff)) throw error;
    },
  );
}
