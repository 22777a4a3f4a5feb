// Marks a data file as failed, with the reason, when the job that examines or loads the file has failed or was
// cancelled.
import { select, sql } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { recordFault } from './faults.ts';
import { endAbandoned } from './receive.ts';

type Stranded = { id: number; job: string; problem: string | null; cancelled_by: string | null };

/**
 * Runs every few seconds. Marks a data file as failed if its job failed or was cancelled without marking the file. Also
 * ends abandoned uploads.
 */
export async function followDatafiles(here: App): Promise<void> {
  const stranded = await select<Stranded>(
    here.sql,
    sql`select file.id, file.job, job.problem, job.cancelled_by
          from operations_datafile_registry file join job on job.id = file.job
         where file.state = 'processing' and job.kind in ('examine', 'load')
           and job.state in ('failed', 'cancelled') limit 100`,
  );
  for (const file of stranded) {
    const message =
      file.cancelled_by === null
        ? (file.problem ?? 'Its job ended without it.')
        : `Cancelled by ${file.cancelled_by}.`;
    await recordFault(here, file, { reason: 'other', message });
  }
  await endAbandoned(here);
}
