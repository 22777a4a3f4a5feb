// Data sources for tests. A data source fetches data files from the server of an organisation (publisher). Here staging
// fetches them from the demo’s publisher (demo/publisher), which runs in this process.
import { afterEach, beforeEach } from 'vitest';
import { startPublisher, type Publisher } from '../../demo/publisher/server.ts';
import { select, sql } from '../../src/database/sql.ts';
import * as datasets from '../../src/datasets/datasets.ts';
import type { App } from '../../src/environments/app.ts';
import { byId, type Job } from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { deadlines } from '../../src/sources/answer.ts';
import { reportOf } from '../../src/sources/report.ts';
import { requestRun } from '../../src/sources/run.ts';
import * as sources from '../../src/sources/sources.ts';
import type { PostedSource } from '../../src/sources/sources.ts';
import { tasks } from '../../src/tasks.ts';
import { newBucket } from './storage.ts';
import { openWorld, useWorld, type World } from './world.ts';

export const ops = 'ops@example.com';

/**
 * Opens the environments. Staging may fetch from data sources on this machine, and accepts data files of up to 2 MB.
 */
export const useSources = (
  also: Record<string, string> = {},
  cleared: 'before each test' | 'once' = 'before each test',
) =>
  useWorld({
    cleared,
    open: () =>
      openWorld(undefined, (variables) => {
        Object.assign(variables.staging, {
          SOURCES_MAY_BE_LOCAL: 'true',
          DATAFILE_LIMIT_MB: '2',
          ...also,
        });
      }),
  });

/**
 * Starts a publisher (a server that offers data files) before each test and stops it after the test. Shortens the time
 * limits for fetching, so that the tests are fast.
 */
export function usePublisher(): Publisher {
  let publisher: Publisher | undefined;
  const opened = () => {
    if (!publisher) throw new Error('The publisher runs only inside hooks and tests.');
    return publisher;
  };
  beforeEach(async () => {
    Object.assign(deadlines, { silence: 400, pause: 10, report: 50, file: 60_000 });
    publisher = await startPublisher();
  });
  afterEach(() => publisher?.close());
  return {
    get url() {
      return opened().url;
    },
    get files() {
      return opened().files;
    },
    get faults() {
      return opened().faults;
    },
    get requests() {
      return opened().requests;
    },
    close: () => opened().close(),
  };
}

/** Adds a dataset and returns the id of the dataset. */
export const addDataset = (here: App, name = 'cities', also: datasets.PostedDataset = {}) =>
  datasets.add(here, ops, { organisation: 'statistics', name, ...also });

/** Adds a data source that fetches the publisher’s list of cities; `also` replaces single fields of the data source. */
export async function addSource(here: App, { url }: Publisher, also: PostedSource = {}) {
  const dataset =
    (await datasets.named(here.sql, { organisation: 'statistics', name: 'cities' }))?.id ??
    (await addDataset(here));
  const id = await sources.add(here, ops, {
    name: 'Cities',
    kind: 'json-index',
    url: `${url}/cities.json`,
    dataset: String(dataset),
    cron: '0 2 * * *',
    active: 'yes',
    options: { path: 'result.files', url: 'href', name: 'title', size: 'bytes', etag: 'digest' },
    ...also,
  });
  return sources.known(here.sql, id);
}

export type SourceLine = {
  id: number;
  file_name: string;
  fetch_number: number;
  state: string;
  size: number;
  sha256: string;
  object: string;
};

/** Reads the records of the data files that were fetched from data sources, oldest first. */
export const linesIn = (here: App) =>
  select<SourceLine>(
    here.sql,
    sql`select id, file_name, fetch_number, state, size, sha256, object from operations_datafile_registry
         where source is not null order by id`,
  );

/** Runs a job to its end in this process. */
export async function runToEnd(here: App, job: Pick<Job, 'id'>) {
  await runJob(here, tasks, job.id);
  const ended = await byId(here.sql, job.id);
  if (!ended) throw new Error('The job is gone');
  return { job: ended, report: reportOf(ended.report) };
}

/** Runs in this process the job that fetches files from a data source, and returns the job and its report. */
export async function runSourceNow(here: App, source: sources.Source) {
  const { job } = await requestRun(here.sql, source, ops);
  return runToEnd(here, job);
}

export async function objectsIn(here: App, prefix = 'datafiles/'): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of here.storage.list(prefix)) keys.push(key);
  return keys;
}

/** Deletes all stored data files, because the tests of one file share a storage. */
export async function emptyStorage(world: World) {
  for (const key of await objectsIn(world.staging)) await world.staging.storage.delete(key);
}

/** Opens the environments twice: with data files in a folder, and with data files in a bucket of an S3 server. */
export const useStores = () => ({
  'a folder': useSources(),
  'a bucket': useWorld({
    open: async () => {
      const { bucket, endpoint, keys } = await newBucket();
      return openWorld(undefined, ({ staging }) => {
        Object.assign(staging, {
          SOURCES_MAY_BE_LOCAL: 'true',
          STORAGE_URL: `s3://${bucket}/staging?region=us-east-1&endpoint=${endpoint}`,
          STORAGE_ACCESS_KEY_ID: keys?.id,
          STORAGE_SECRET_ACCESS_KEY: keys?.secret,
        });
      });
    },
  }),
});
