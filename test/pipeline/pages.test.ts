// The web pages of pipeline runs and the commands `oneway pipeline` show runs and resume failed ones.
import { expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import * as runs from '../../src/pipeline/runs.ts';
import { surroundings } from '../support/left-behind.ts';
import { textOf } from '../support/people.ts';
import { makeDue, rowsIn, usePipeline } from '../support/pipeline.ts';
import { publish } from '../support/published.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const pipeline = usePipeline(world, { API_PAGE_SIZE: '10' });
const columns = { name: 'text', size: 'integer' } as const;
const rows = Array.from({ length: 25 }, (_, index) => [`Row ${index}`, index]);
const here = () => pipeline.site.here;

test('the web pages of pipeline runs show state, rows and problems, and only a data manager can resume a failed run', async () => {
  const { run } = await publish(here(), { name: 'org/cities', columns, rows });
  const dana = await pipeline.site.as('dana');
  const vic = await pipeline.site.as('vic');
  expect(textOf((await vic.get('/pipeline-runs')).text)).toContain('Fetching pages');
  await pipeline.target.query('create table org_cities (own int)');
  await pipeline.carry(run);
  const address = `/pipeline-runs/${run}`;
  expect(textOf((await vic.get('/pipeline-runs?state=failed')).text)).toContain('25 of 25');
  const shown = await dana.get(address);
  expect(textOf(shown.text)).toContain('has a table org_cities that is not of this dataset');
  expect([shown.text.includes('Resume'), (await vic.get(address)).text.includes('Resume')]).toEqual(
    [true, false],
  );
  expect((await vic.post(`${address}/resumption`)).status).toBe(403);
  await pipeline.target.query('drop table org_cities');
  expect((await dana.post(`${address}/resumption`)).status).toBe(303);
  expect((await dana.post(`${address}/resumption`)).status).toBe(409);
  expect(textOf((await dana.get(address)).text)).toContain('Reload');
  await makeDue(here());
  await pipeline.carry(run);
  expect(textOf((await dana.get(address)).text)).toContain('Completed');
  expect(textOf((await dana.get('/pipeline-runs?state=superseded')).text)).toContain(
    'Clear filters',
  );
  for (const wrong of ['/pipeline-runs/0', '/pipeline-runs/999', '/pipeline-runs/x']) {
    expect((await dana.get(wrong)).status).toBe(404);
  }
});

const oneway = (words: string[]) =>
  new Promise<{ code: number | null; said: string }>((resolve) => {
    const child = spawn(process.execPath, ['src/commands/oneway.ts', ...words], {
      env: { ...surroundings(), ...pipeline.variables },
    });
    let said = '';
    child.stdout.on('data', (part) => (said += String(part)));
    child.stderr.on('data', (part) => (said += String(part)));
    child.once('close', (code) => resolve({ code, said }));
  });

test('the command oneway pipeline starts a new run for a dataset, resumes a failed run, and lists runs', async () => {
  const first = (await publish(here(), { name: 'org/cities', columns, rows })).run ?? 0;
  const ran = await oneway(['pipeline', 'run', 'org/cities', '--json']);
  expect([ran.code, JSON.parse(ran.said)]).toEqual([
    0,
    { run: first + 1, state: 'completed', rows: 25 },
  ]);
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rows);
  expect((await runs.known(here().sql, first)).state).toBe('superseded');
  const none = await oneway(['pipeline', 'run', 'org/none']);
  expect([none.code, none.said]).toEqual([1, expect.stringContaining('no dataset org/none')]);

  await pipeline.target.query('drop table org_cities');
  await pipeline.target.query('create table org_cities (own int)');
  const failed = await oneway(['pipeline', 'run', 'org/cities']);
  expect([failed.code, failed.said]).toEqual([1, expect.stringContaining('org_cities')]);
  await pipeline.target.query('drop table org_cities');
  const resumed = await oneway(['pipeline', 'resume', String(first + 2)]);
  expect([resumed.code, resumed.said]).toEqual([0, expect.stringContaining('completed: 25 rows')]);
  expect((await oneway(['pipeline', 'resume', String(first + 2)])).code).toBe(1);
  expect((await oneway(['pipeline', 'resume', 'three'])).code).toBe(2);
  const list = await oneway(['pipeline', 'list', '--json']);
  expect((JSON.parse(list.said) as { state: string }[]).map(({ state }) => state)).toEqual([
    'completed',
    'completed',
    'superseded',
  ]);
});
