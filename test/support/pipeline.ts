// A server for tests of the pipeline, which reads datasets from the same server over HTTP and writes them into the
// datasets database. Each test worker has its own datasets database.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pool, RowDataPacket } from 'mysql2/promise';
import { prepareDatasets } from '../../bin/databases.ts';
import { connectSql } from '../../src/database/connect.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import * as runs from '../../src/pipeline/runs.ts';
import type { Run } from '../../src/pipeline/runs.ts';
import { PIPELINE_SCOPE } from '../../src/signed-api/datasets.ts';
import { tasks } from '../../src/tasks.ts';
import { afterAll, beforeAll, beforeEach } from './hooks.ts';
import { useSite, type Site } from './people.ts';
import { hawkKey, useAddress, type Address } from './signed-client.ts';
import { servers, settingsOf, type World } from './world.ts';

const name = () => `t${process.env['VITEST_POOL_ID'] ?? '0'}`;

export type PipelineSite = {
  site: Site;
  at: Address;
  /** The settings with which another process opens the environment of this server. */
  variables: Record<string, string>;
  /** A connection to the datasets database. */
  target: Pool;
  /** The folder of the pipeline’s storage. */
  folder: string;
  /** Runs the job of the pipeline run with this number, for one attempt, and returns the run. */
  carry(run: number | null): Promise<Run>;
  /** Opens the environment of this server again with other connections, as another process would. */
  another(): App;
};

/** Opens the site of staging with a pipeline, and empties the datasets database before each test. */
export function usePipeline(world: World, also: Record<string, string> = {}): PipelineSite {
  const variables: Record<string, string> = {};
  const folder = mkdtempSync(join(tmpdir(), 'oneway-pipeline-'));
  beforeAll(async () => {
    Object.assign(variables, await prepareDatasets(servers(), name()), {
      PIPELINE_STORAGE_URL: pathToFileURL(folder).href,
      PIPELINE_HAWK_ID: 'owh_later',
      PIPELINE_HAWK_KEY: 'later',
      ENVIRONMENT_URLS: 'staging=http://127.0.0.1:1',
      ...also,
    });
  });
  const site = useSite(world, 'staging', variables);
  const at = useAddress(site);
  let target: Pool | undefined;
  const opened = () => {
    if (!target) throw new Error('The datasets database is open only inside hooks and tests.');
    return target;
  };
  beforeAll(() => {
    if (site.here.settings.pipeline) target = connectSql(site.here.settings.pipeline.target, 2);
  });
  beforeEach(async () => {
    const { pipeline } = site.here.settings;
    if (pipeline) pipeline.key = await hawkKey(site.here, [PIPELINE_SCOPE], 'Pipeline');
    variables['PIPELINE_HAWK_ID'] = pipeline?.key.id ?? '';
    variables['PIPELINE_HAWK_KEY'] = pipeline?.key.key ?? '';
    variables['ENVIRONMENT_URLS'] = `staging=${at.url}`;
    Object.assign(variables, { ...world.variables.staging, ...variables });
    await dropTables(opened());
  });
  afterAll(() => target?.end());
  return {
    site,
    at,
    variables,
    folder,
    get target() {
      return opened();
    },
    carry: async (run) => {
      const { job } = await runs.known(site.here.sql, run ?? 0);
      await runJob(site.here, tasks, job ?? '');
      return runs.known(site.here.sql, run ?? 0);
    },
    another: () => {
      const app = openApp(settingsOf(world.variables['staging'], variables));
      world.onClose(() => app.close());
      return app;
    },
  };
}

/** Makes every unfinished job due now, so that a test need not wait for its next attempt. */
export const makeDue = (here: App) =>
  here.sql.query(
    `update job set run_at = utc_timestamp(3) - interval 1 second,
                    alive_at = utc_timestamp(3) - interval 1 hour
      where state in ('waiting', 'running')`,
  );

export const jobOf = async (here: App, run: number | null) => {
  const { job } = await runs.known(here.sql, run ?? 0);
  return jobs.byId(here.sql, job ?? '');
};

/**
 * Lists the tables of the datasets database, except `_pages`: in this table the pipeline records which pages of rows it
 * has inserted.
 */
export async function tablesIn(target: Pool): Promise<string[]> {
  const [rows] = await target.query<RowDataPacket[]>('show tables');
  return rows
    .map((row) => String(Object.values(row)[0]))
    .filter((table) => table !== '_pages')
    .toSorted();
}

async function dropTables(target: Pool) {
  for (const table of await tablesIn(target)) await target.query(`drop table \`${table}\``);
  await target.query('drop table if exists _pages');
}

/** Reads the rows of a table as JavaScript values. */
export async function rowsIn(target: Pool, table: string): Promise<unknown[][]> {
  const [rows] = await target.query({ sql: `select * from \`${table}\``, rowsAsArray: true });
  return rows as unknown[][];
}
