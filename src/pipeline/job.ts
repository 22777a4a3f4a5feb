// The background job of a pipeline run: copies a dataset version into the datasets database. Also marks runs as failed
// whose job ended without completing them, and deletes stored API responses that are no longer needed.
import { z } from 'zod';
import { failpoint } from '../database/failpoints.ts';
import { sql, select } from '../database/sql.ts';
import { reasonOf } from '../environments/unreachable.ts';
import type { App } from '../environments/app.ts';
import { Interrupted } from '../jobs/interrupted.ts';
import { isPassing } from '../jobs/passing.ts';
import type { Work } from '../jobs/task.ts';
import { carrierFor, withParts } from './carrier.ts';
import { fetchPages } from './fetch-pages.ts';
import { insertPages } from './insert-pages.ts';
import * as runs from './runs.ts';
import type { Run } from './runs.ts';
import * as storedPages from './stored-pages.ts';
import { swap } from './swap.ts';
import * as target from './target.ts';

export const pipelineInput = z.object({ run: z.number() });

/**
 * Copies one version of a dataset into the datasets database. If an earlier attempt was interrupted, continues after
 * the work that it finished.
 */
export async function runPipelineJob(
  { here, report }: Work,
  { run: number }: z.infer<typeof pipelineInput>,
): Promise<PipelineReport> {
  const run = await runs.known(here.sql, number);
  try {
    const ended = runs.isLive(run)
      ? await withParts(here, (parts) => {
          const carrier = carrierFor(here, parts, report);
          return carry(carrier, run);
        })
      : run;
    return { run: number, state: ended.state, rows: ended.rows_inserted };
  } catch (error) {
    // After an interruption, or an error that may pass, the run stays unfinished, because the job may be tried again.
    // If the job was cancelled or has used up its attempts, followJobs() marks the run as failed.
    if (!(error instanceof Interrupted) && !isPassing(error)) {
      await runs.fail(here, run, reasonOf(error, 'The datasets database'));
    }
    throw error;
  }
}

/** The result of a pipeline run’s job. */
export type PipelineReport = { run: number; state: Run['state']; rows: number };

const carry = async (carrier: Parameters<typeof fetchPages>[0], run: Run): Promise<Run> =>
  swap(carrier, await insertPages(carrier, await fetchPages(carrier, run)));

/** Marks unfinished pipeline runs as failed if their job has ended or no longer exists. */
export async function followJobs(here: App) {
  for (const run of await runs.abandoned(here.sql)) {
    const reason = run.cancelled_by
      ? `Cancelled by ${run.cancelled_by}.`
      : (run.problem ?? 'Its job is gone.');
    await runs.fail(here, run, reason);
  }
}

/** After how many days the stored pages of a failed pipeline run are deleted. */
const KEPT_DAYS = 7;

/**
 * Deletes the stored pages of ended pipeline runs, and the tables that these runs left in the datasets database. Waits
 * at least ten minutes after the end of a run, because a worker that was paused while another worker took over the run
 * may still be storing a page.
 */
export async function purgeEnded(here: App) {
  if (here.settings.pipeline === null) return;
  const ended = await select<Run>(
    here.sql,
    sql`select * from pipeline_run
         where pages_removed_at is null
           and ((state in ('completed', 'superseded') and ended_at < utc_timestamp(3) - interval 10 minute)
             or (state = 'failed' and ended_at < utc_timestamp(3) - interval ${KEPT_DAYS} day))
         limit 100`,
  );
  if (ended.length === 0) return;
  await withParts(here, async (parts) => {
    await target.preparePages(parts.target);
    for (const run of ended) {
      await storedPages.removeAll(parts.storage, run);
      const { filled, former } = target.tablesOf(run);
      for (const table of [filled, former]) {
        await target.dropOwn(parts.target, target.markOf(here.name, run), table);
      }
      await failpoint('pages removed');
      await runs.advance(
        here.sql,
        run,
        sql`state = ${run.state}`,
        sql`pages_removed_at = utc_timestamp(3)`,
      );
    }
  });
}
