// Opens what a pipeline run needs to copy a dataset: the key for the signed API, the storage for fetched pages, and the
// datasets database.
import type { Pool } from 'mysql2/promise';
import { connectSql } from '../database/connect.ts';
import type { App } from '../environments/app.ts';
import type { Work } from '../jobs/task.ts';
import { Problem } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';
import { openObjects } from '../storage/open.ts';
import type { Run } from './runs.ts';
import type { PipelineSettings } from './settings.ts';

export type Carrier = {
  here: App;
  key: PipelineSettings['key'];
  storage: Objects;
  target: Pool;
  /**
   * Reports the progress of a run on its job’s page.
   * @throws Interrupted when another worker has taken over the job, or the job was cancelled
   */
  report: (run: Run, doing: string) => Promise<void>;
};

export type Parts = Pick<Carrier, 'storage' | 'target'>;

/**
 * Opens the storage for fetched pages and the datasets database, runs `work` with them, and closes them.
 * @throws Problem when the settings name no datasets database
 */
export async function withParts<T>(
  { settings }: App,
  work: (parts: Parts & Pick<Carrier, 'key'>) => Promise<T>,
): Promise<T> {
  if (settings.pipeline === null) {
    throw new Problem(422, 'No datasets database is set: an engineer sets DATASETS_SQL_DB_* here.');
  }
  const { store, target: address, key } = settings.pipeline;
  const [storage, target] = [openObjects(store), connectSql(address, 2)];
  try {
    return await work({ storage, target, key });
  } finally {
    storage.close();
    // Errors are ignored: a broken connection cannot be closed properly, but it is closed already.
    await target.end().catch(() => {});
  }
}

/**
 * Puts together what a pipeline run works with: its environment, its connections, and the function that reports
 * progress. The progress is the number of pages fetched from the API plus the number of pages inserted into the
 * datasets database.
 */
export const carrierFor = (
  here: App,
  parts: Parts & Pick<Carrier, 'key'>,
  report: Work['report'],
): Carrier => ({
  here,
  ...parts,
  report: async (run, doing) => {
    const pages = Math.max(1, Math.ceil(run.row_count / here.settings.apiPageSize));
    const done = run.pages_fetched + run.pages_inserted;
    await report({ done, total: Math.max(done, 2 * pages), doing });
  },
});
