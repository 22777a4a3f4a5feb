// Tests the pages of sources: each action by a person with the permission, and by a person without it.
import { beforeEach, expect, test } from 'vitest';
import { linesOf } from '../../src/sources/lines.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { SOURCE_RUN } from '../../src/sources/run.ts';
import * as sources from '../../src/sources/sources.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import {
  addDataset,
  addSource,
  emptyStorage,
  ops as administrator,
  runSourceNow,
  runToEnd,
  usePublisher,
  useSources,
} from '../support/sources.ts';

const world = useSources({
  SOURCE_CREDENTIAL_OFFICE: 'Bearer very-secret',
  SOURCE_CREDENTIAL_ARCHIVE: 'x',
});
const publisher = usePublisher();
const site = useSite(world, 'staging');
const ops = useClient(site, 'ops');
const dana = useClient(site, 'dana');
const vic = useClient(site, 'vic');
beforeEach(() => emptyStorage(world));

const fields = async (also: Record<string, string> = {}) => ({
  kind: 'json-index',
  name: 'City statistics',
  url: `${publisher.url}/cities.json`,
  dataset: String(await addDataset(world.staging)),
  cron: '0 2 * * *',
  active: 'yes',
  option_path: 'result.files',
  option_url: 'href',
  option_name: 'title',
  option_size: 'bytes',
  option_etag: 'digest',
  ...also,
});
const newest = async () => {
  const [job] = await jobs.newest(world.staging.sql, SOURCE_RUN);
  if (!job) throw new Error('No run was requested');
  return job;
};
const errorsIn = (html: string) => [...html.matchAll(/id="e-([a-z_]+)"/g)].map((match) => match[1]);

test('S3-02 an administrator adds a data source, a data manager starts a run that fetches its files, and a viewer sees what the run did', async () => {
  expect((await ops.get('/sources/new')).status).toBe(200);
  expect((await ops.get('/sources/new?kind=html-index')).text).toContain('option_pattern');
  const { headers } = await ops.post('/sources', await fields());
  const path = headers['location'] ?? '';
  expect(path).toMatch(/^\/sources\/\d+$/);
  expect((await dana.post(`${path}/run`)).headers['location']).toBe(path);
  const running = await dana.get(path);
  expect(running.text).toContain('data-job="/jobs/');
  expect(running.text).not.toContain(`${path}/run"`);
  await runToEnd(world.staging, await newest());
  const text = textOf((await vic.get(path)).text);
  expect(text).toContain('Found at the source 3 files');
  expect(text).toContain('3 fetched, 3 loaded');
  expect(text).toContain('cities-2026.csv');
  expect(textOf((await vic.get('/sources')).text)).toContain(
    'City statistics JSON index statistics/cities',
  );
});

test('people without the permission to manage data sources can view a source, but not add, change or run it', async () => {
  const source = await addSource(world.staging, publisher);
  await runSourceNow(world.staging, source);
  const [file] = await linesOf(world.staging.sql, source);
  const path = `/sources/${source.id}`;
  const page = (await vic.get(path)).text;
  expect(page).not.toMatch(/\/(run|edit|fetch)"/);
  for (const one of ['/sources/new', `${path}/edit`]) {
    expect((await vic.get(one)).status).toBe(403);
    expect((await dana.get(one)).status).toBe(403);
  }
  for (const [who, posts] of [
    [vic, ['/sources', path, `${path}/run`, `${path}/files/${file?.id}/fetch`]],
    [dana, ['/sources', path]],
    [ops, [`${path}/run`, `${path}/files/${file?.id}/fetch`]],
  ] as const) {
    for (const one of posts) expect((await who.post(one, await fieldsOf(source))).status).toBe(403);
  }
});

const fieldsOf = async (source: sources.Source, also: Record<string, string> = {}) => ({
  version: String(source.revision),
  name: source.name,
  url: source.url,
  dataset: String(source.dataset),
  cron: source.cron,
  active: 'yes',
  option_path: 'result.files',
  option_url: 'href',
  ...also,
});

test.each([
  ['name', ' '],
  ['url', 'nonsense://x'],
  ['url', ''],
  ['url', 'https://me:secret@statistics.example/'],
  ['url', `https://statistics.example/${'x'.repeat(500)}`],
  ['cron', ''],
  ['cron', 'every night'],
  ['cron', '* * * * * *'],
  ['cron', '0 0 30 2 *'],
  ['cron', '61 * * * *'],
  ['cron', '@daily'],
  ['hosts', 'https://files.example/'],
  ['hosts', 'a b/c'],
  ['credential', 'NOBODY'],
  ['dataset', ''],
  ['dataset', '999999'],
  ['option_url', ' '],
])(
  'a source with the wrong value %s=%j is refused with an error at that field, and the typed values are kept',
  async (name, value) => {
    const answer = await ops.post('/sources', await fields({ [name]: value }));
    expect([answer.status, errorsIn(answer.text)]).toEqual([422, [name]]);
    expect(answer.text).toContain('result.files');
    expect(await sources.list(world.staging.sql)).toEqual([]);
  },
);

test('a data source’s URL without a scheme gets https://, and its other hosts are stored in lower case without default ports', async () => {
  await ops.post(
    '/sources',
    await fields({
      url: 'Statistics.example/files',
      hosts: 'FILES.example, a.example:8443 a.example:443',
    }),
  );
  expect(await sources.list(world.staging.sql)).toMatchObject([
    { url: 'https://statistics.example/files', hosts: 'files.example a.example:8443 a.example' },
  ]);
});

test('a data source is not saved if its name is taken, or if another person has changed the source since the page was opened', async () => {
  const source = await addSource(world.staging, publisher);
  const taken = await ops.post('/sources', {
    ...(await fieldsOf(source)),
    kind: 'ckan',
    option_package: 'a',
  });
  expect([taken.status, errorsIn(taken.text)]).toEqual([422, ['name']]);
  expect(
    (await ops.post(`/sources/${source.id}`, await fieldsOf(source, { name: 'First' }))).status,
  ).toBe(303);
  expect(
    (await ops.post(`/sources/${source.id}`, await fieldsOf(source, { name: 'Second' }))).status,
  ).toBe(409);
  expect(await sources.known(world.staging.sql, source.id)).toMatchObject({
    name: 'First',
    revision: 2,
  });
});

test('the pages of a data source name the setting that contains its credential, but never show the credential itself', async () => {
  const source = await addSource(world.staging, publisher, { credential: 'OFFICE' });
  const pages = [
    await ops.get(`/sources/${source.id}/edit`),
    await ops.get(`/sources/${source.id}`),
  ];
  for (const { text } of pages) {
    expect(text).toContain('SOURCE_CREDENTIAL_OFFICE');
    expect(text).not.toContain('very-secret');
  }
  await runSourceNow(world.staging, source);
  expect(
    publisher.requests.every(({ headers }) => headers.authorization === 'Bearer very-secret'),
  ).toBe(true);
});

test('S3-65 the page of a data source marks a file that the publisher has changed, and a data manager fetches the file again with a click', async () => {
  const { staging } = world;
  const source = await addSource(staging, publisher);
  await runSourceNow(staging, source);
  publisher.files.set('/files/cities/cities-2025.csv', {
    content: Buffer.from(
      'city,country,population,area_km2,counted_on\nPune,IN,1,2.50,2027-06-30\n',
    ),
  });
  await runSourceNow(staging, source);
  const path = `/sources/${source.id}`;
  expect(textOf((await dana.get(path)).text)).toContain('Differs at the source');
  const file = (await linesOf(staging.sql, source)).find(
    (one) => one.file_name === 'cities-2025.csv',
  );
  expect((await dana.post(`${path}/files/${file?.id}/fetch`)).headers['location']).toBe(path);
  expect((await dana.post(`${path}/files/${file?.id}/fetch`)).status).toBe(409);
  await runToEnd(staging, await newest());
  const after = textOf((await dana.get(path)).text);
  expect(after).not.toContain('Differs at the source');
  expect(after).toContain('Fetch 2');
  expect((await dana.post(`${path}/files/${file?.id}/fetch`)).status).toBe(404);
});

test('the page of a run of a data source lists the files that failed, each with the reason', async () => {
  publisher.faults.set('/files/cities/cities-2025.csv', { name: 'not-found' });
  const { job } = await runSourceNow(world.staging, await addSource(world.staging, publisher));
  const text = textOf((await vic.get(`/jobs/${job.number}`)).text);
  expect(text).toContain('Failed in this run cities-2025.csv');
  expect(text).toContain('answered 404');
});

test('the audit log shows who added and who changed a data source', async () => {
  const source = await addSource(world.staging, publisher);
  await ops.post(`/sources/${source.id}`, await fieldsOf(source, { cron: '0 3 * * *' }));
  const { rows } = {
    rows: await world.staging.sql.query('SELECT person, action FROM audit WHERE subject = ?', [
      'Cities',
    ]),
  };
  expect(rows[0]).toMatchObject([
    { person: administrator, action: 'added a source' },
    { person: administrator, action: 'changed a source' },
  ]);
});
