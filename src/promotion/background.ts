// What runs as a job: the copy-down, and transfers that are too large to wait for.
import type { Here } from '../environments/here.ts';
import { refuseWhileClosed, type Work } from '../jobs/run.ts';
import * as journal from '../journal/journal.ts';
import { Unsettled } from '../journal/work.ts';
import { carry } from '../journal/write.ts';
import { Problem } from '../problems.ts';
import { copyDown, rowsToCopy, type Report } from './copy-down.ts';

/** The word under which there is one job for a transfer. */
export const jobOf = (transfer: string) => `transfer ${transfer}`;

/** Copies production down, or only looks what that would do. */
export async function refresh(
  { here, job, report }: Work,
  { isLook }: { isLook: boolean },
): Promise<Report> {
  if (!here.source) {
    throw new Problem(422, 'REFRESH_SOURCE_* is not set: there is nothing to copy down from.');
  }
  const total = await rowsToCopy(here.source);
  const next = here.destination;
  return copyDown({
    here,
    there: next?.name === here.source.name ? here.source : next,
    source: here.source,
    lease: here.settings.lease.milliseconds,
    isLook,
    former: job.report === null ? null : (JSON.parse(job.report) as Report),
    progress: async ({ entity, report: result }) => {
      await report({ done: result.at.all, total, doing: entity.label.many, result });
      await refuseWhileClosed(here);
    },
  });
}

/** Carries a transfer that was journaled by a click; when recovery was faster, waits for its end. */
export async function carryOn({ here, report }: Work, { transfer: id }: { transfer: string }) {
  const transfer = await journal.byId(here.sql, id);
  if (!transfer) throw new Problem(404, 'The transfer is not in the journal.');
  const total = await journal.size(here.sql, id);
  const say = (done: number, doing: string) => {
    report({ done, total, doing }).catch(() => {
      // The transfer is not stopped for want of a line that tells how far it is.
    });
  };
  if (transfer.state === 'planned' && transfer.fence === 1) await carryHere(here, transfer, say);
  for (;;) {
    const ended = await journal.whenEnded(here, id);
    if (ended.state === 'verified') return { transfer: ended.number };
    if (!journal.liveStates.includes(ended.state)) {
      throw new Problem(409, ended.problem ?? 'Nothing was written.');
    }
    await report({ done: 0, total, doing: 'Being settled' });
  }
}

async function carryHere(
  here: Here,
  transfer: journal.Transfer,
  say: (done: number, doing: string) => void,
) {
  const there = transfer.destination === here.name ? here : here.destination;
  if (!there) throw new Problem(422, 'Its destination cannot be reached from here.');
  await carry(here, there, transfer, here.settings.lease.milliseconds, say).catch(
    (error: unknown) => {
      // Recovery goes on with it.
      if (!(error instanceof Unsettled || error instanceof journal.Stale)) throw error;
    },
  );
}
