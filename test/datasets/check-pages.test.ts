// Tests the page where a person checks a data file before it is loaded: its questions about the file, the answers to
// them, two people at once, and a second click.
import { beforeEach, expect, test } from 'vitest';
import { run, select, sql } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile } from '../../src/datasets/registry.ts';
import { addDataset, load, rowsOf, runJobs, upload } from '../support/datasets.ts';
import { useClient, useSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const dana = useClient(site, 'dana');
let cities: Dataset;

beforeEach(async () => {
  cities = await addDataset(world.staging);
});

const known = ({ id }: Datafile) => registry.known(world.staging.sql, id);

/** Returns the fields of the page for checking a data file, as a browser would post them, with changed values. */
async function fields(file: Datafile, changes: Record<string, string> = {}) {
  const { text } = await dana.get(`/datafiles/${file.id}/check`);
  const found: Record<string, string> = {};
  for (const [, tag = ''] of text.matchAll(/<input\b([^>]*)>/g)) {
    const [name, value] = ['name', 'value'].map(
      (one) => new RegExp(`\\b${one}="([^"]*)"`).exec(tag)?.[1],
    );
    const isTick = /type="checkbox"/.test(tag) && !/\bchecked\b/.test(tag);
    if (name && name !== 'csrf' && !isTick) found[name] = unescaped(value ?? '');
  }
  for (const [, name = '', options = ''] of text.matchAll(
    /<select\b[^>]*?\bname="([^"]+)"[^>]*>([\s\S]*?)<\/select>/g,
  )) {
    const chosen = /<option[^>]*value="([^"]*)"[^>]*\bselected\b/.exec(options);
    const first = /<option[^>]*value="([^"]*)"/.exec(options);
    found[name] = unescaped((chosen ?? first)?.[1] ?? '');
  }
  return { ...found, ...changes };
}

const unescaped = (html: string) =>
  html
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

test('S3-03 the page for checking a data file shows how many lines become rows, and the load stores exactly those rows', async () => {
  const file = await upload(world.staging, cities, 'name;people\nPune;7\nLyon;5\n');
  const page = await dana.get(`/datafiles/${file.id}/check`);
  expect(page.text).toContain('2 of 3 lines become rows');
  const answer = await dana.post(`/datafiles/${file.id}/loading`, await fields(file));
  expect(answer.status).toBe(303);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([
    ['Pune', 7],
    ['Lyon', 5],
  ]);
});

test('a data file in an unknown encoding is not loaded before a person chooses the encoding', async () => {
  const latin = Buffer.from('name,people\nZürich,7\nGenève,5\n', 'latin1');
  const file = await upload(world.staging, cities, latin);
  const refused = await dana.post(`/datafiles/${file.id}/loading`, await fields(file));
  expect([refused.status, /Choose the encoding/.test(refused.text)]).toEqual([422, true]);
  await dana.post(
    `/datafiles/${file.id}/reading`,
    await fields(file, { encoding: 'windows-1252' }),
  );
  await runJobs(world.staging);
  const answer = await dana.post(`/datafiles/${file.id}/loading`, await fields(file));
  expect(answer.status).toBe(303);
  await runJobs(world.staging);
  expect((await rowsOf(world.staging, cities)).map(([name]) => name)).toEqual(['Zürich', 'Genève']);
});

test('dates with an ambiguous order of day and month block the load of a data file until a person chooses their format', async () => {
  const file = await upload(world.staging, cities, 'name,day\nPune,01/02/2024\nLyon,03/04/2024\n');
  const refused = await dana.post(`/datafiles/${file.id}/loading`, await fields(file));
  expect([
    refused.status,
    /Choose the type of “day”|Choose the type of &#34;day/.test(refused.text),
  ]).toEqual([422, true]);
  await dana.post(
    `/datafiles/${file.id}/reading`,
    await fields(file, { 'types[1][type]': 'date|d/m/y' }),
  );
  await runJobs(world.staging);
  await dana.post(`/datafiles/${file.id}/loading`, await fields(file));
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([
    ['Pune', '2024-02-01'],
    ['Lyon', '2024-04-03'],
  ]);
});

test('if a person changes the header line of a data file and clicks Load, a new preview is shown and nothing is loaded', async () => {
  const file = await upload(world.staging, cities, 'name;people\nPune;7\n');
  const answer = await dana.post(
    `/datafiles/${file.id}/loading`,
    await fields(file, { headerLine: 'none' }),
  );
  expect(answer.headers['location']).toBe(`/datafiles/${file.id}/check`);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([]);
  expect((await dana.get(`/datafiles/${file.id}/check`)).text).toContain(
    '2 of 2 lines become rows',
  );
});

test('a data file with rejected lines is loaded only if the person accepts that, and the rejected lines can be downloaded', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n=cmd(),5,6\n');
  const refused = await dana.post(`/datafiles/${file.id}/loading`, await fields(file));
  expect([refused.status, /Tick that 1 rejected line/.test(refused.text)]).toEqual([422, true]);
  const { text } = await dana.get(`/datafiles/${file.id}/rejects`);
  expect(text.split('\r\n')).toEqual([
    'line,column,reason,text',
    expect.stringMatching(/^3,,"?2 cells expected, 3 found"?,"'=cmd\(\),5,6"$/),
    '',
  ]);
  const accepted = await fields(file, { acceptsRejects: 'yes' });
  expect((await dana.post(`/datafiles/${file.id}/loading`, accepted)).status).toBe(303);
});

test('a second click on Load does not load the data file a second time', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  const posted = await fields(file);
  const answers = await Promise.all(
    [1, 2].map(() => dana.post(`/datafiles/${file.id}/loading`, posted)),
  );
  expect(answers.filter(({ status }) => status === 303).length).toBeGreaterThan(0);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 7]]);
  const jobs = await select(world.staging.sql, sql`select id from job where kind = 'load'`);
  expect(jobs).toHaveLength(1);
});

test('the page for checking a data file, open in a second tab, cannot change how the file is parsed while the file is loaded', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  const posted = await fields(file);
  await dana.post(`/datafiles/${file.id}/loading`, posted);
  const late = await dana.post(`/datafiles/${file.id}/reading`, { ...posted, headerLine: 'none' });
  expect(late.status).toBe(409);
  await runJobs(world.staging);
  expect(await rowsOf(world.staging, cities)).toEqual([['Pune', 7]]);
});

test('a click on Load is refused if another person changed how the data file is parsed after the page was shown', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  const stale = await fields(file);
  await dana.post(`/datafiles/${file.id}/reading`, await fields(file, { headerLine: 'none' }));
  await runJobs(world.staging);
  const answer = await dana.post(`/datafiles/${file.id}/loading`, stale);
  expect(answer.status).toBe(409);
  expect((await known(file)).reading).toBeNull();
});

test('a data file with other columns than its dataset is loaded only if the person accepts the differences that the page names', async () => {
  await load(world.staging, cities, 'name,people\nPune,7\n');
  const file = await upload(world.staging, cities, 'name,inhabitants\nLyon,5\n');
  const { text } = await dana.get(`/datafiles/${file.id}/check`);
  expect(text).toContain('“inhabitants” is new; “people” is missing');
  expect((await dana.post(`/datafiles/${file.id}/loading`, await fields(file))).status).toBe(422);
  const accepted = await fields(file, { acceptsColumns: 'yes' });
  expect((await dana.post(`/datafiles/${file.id}/loading`, accepted)).status).toBe(303);
});

test('a person can ignore a failed data file with a reason, and load the file again later', async () => {
  const file = await upload(world.staging, cities, '%PDF-1.7\n');
  expect((await known(file)).state).toBe('failed');
  expect((await dana.post(`/datafiles/${file.id}/ignoring`, {})).status).toBe(422);
  await dana.post(`/datafiles/${file.id}/ignoring`, { reason: 'A report, not data' });
  expect(await known(file)).toMatchObject({
    state: 'ignored',
    error_message: 'A report, not data',
  });
  await run(world.staging.sql, sql`delete from job`);
  await dana.post(`/datafiles/${file.id}/reopening`, {});
  expect((await known(file)).state).toBe('processing');
});

test('the page for checking a data file says how many cells will become empty because they hold a word such as N/A', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\nLyon,N/A\nOslo,3\n');
  const { text } = await dana.get(`/datafiles/${file.id}/check`);
  expect(text).toContain('and 1 such as N/A');
});

test('a person can ignore a data file that waits to be checked, but not a data file that is being loaded', async () => {
  const file = await upload(world.staging, cities, 'name,people\nPune,7\n');
  await dana.post(`/datafiles/${file.id}/ignoring`, { reason: 'Uploaded by mistake' });
  expect(await known(file)).toMatchObject({ state: 'ignored' });
  const other = await upload(world.staging, cities, 'name,people\nLyon,5\n', 'other.csv');
  await dana.post(`/datafiles/${other.id}/loading`, await fields(other));
  const late = await dana.post(`/datafiles/${other.id}/ignoring`, { reason: 'Too late' });
  expect(late.status).toBe(409);
});
