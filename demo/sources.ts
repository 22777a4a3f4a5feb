// The demo’s data sources (places from which staging fetches data files), one for each of three datasets of the
// invented publisher. Each data source lists its files in another format: JSON, a web page, or the API of CKAN.
import * as datasets from '../src/datasets/datasets.ts';
import type { PostedDataset } from '../src/datasets/datasets.ts';
import type { App } from '../src/environments/app.ts';
import { runJob } from '../src/jobs/runner.ts';
import { requestRun } from '../src/sources/run.ts';
import * as sources from '../src/sources/sources.ts';
import type { PostedSource } from '../src/sources/sources.ts';
import { tasks } from '../src/tasks.ts';

const administrator = 'admin@example.com';
const dataManager = 'data@example.com';

type Wanted = {
  dataset: PostedDataset & { name: string };
  source: PostedSource & { path: string };
};

const all: Wanted[] = [
  {
    dataset: {
      name: 'cities',
      mode: 'replace',
      openToClients: 'yes',
      feeds: 'city',
      feedsColumn: 'city',
    },
    source: {
      name: 'City statistics',
      kind: 'json-index',
      path: '/cities.json',
      options: { path: 'result.files', url: 'href', name: 'title', size: 'bytes', etag: 'digest' },
    },
  },
  {
    dataset: { name: 'rainfall', mode: 'append', openToClients: 'yes' },
    source: {
      name: 'Rainfall',
      kind: 'html-index',
      path: '/rainfall/',
      options: { pattern: 'rainfall-*.csv' },
    },
  },
  {
    dataset: { name: 'ridership', mode: 'append' },
    source: {
      name: 'Ridership',
      kind: 'ckan',
      path: '/',
      options: { package: 'ridership', format: 'CSV' },
    },
  },
];

/** Adds the publisher’s data sources, and their datasets if they are missing. */
export async function seedSources(here: App, publisherUrl: string) {
  for (const { dataset, source } of all) {
    const name = { organisation: 'statistics', name: dataset.name };
    const found = await datasets.named(here.sql, name);
    const id = found?.id ?? (await datasets.add(here, dataManager, { ...dataset, ...name }));
    const { path, ...posted } = source;
    await sources.add(here, administrator, {
      ...posted,
      url: `${publisherUrl}${path}`,
      dataset: String(id),
      cron: here.settings.sources.cron,
      active: 'yes',
    });
  }
}

/**
 * Fetches the files of every data source once, as the nightly schedule does. One file of the publisher is broken, so it
 * cannot be loaded.
 */
export async function runSources(here: App) {
  for (const source of await sources.active(here.sql)) {
    const { job } = await requestRun(here.sql, source, 'schedule');
    const ended = await runJob(here, tasks, job.id);
    if (ended?.state !== 'done') throw new Error(`${job.name} ended: ${ended?.problem}`);
  }
}
