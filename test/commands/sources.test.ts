// Tests the command `oneway sources`, as a script runs it.
import { beforeEach, expect, test } from 'vitest';
import { json, runCommand } from '../support/command.ts';
import { addSource, emptyStorage, linesIn, usePublisher, useSources } from '../support/sources.ts';

const world = useSources();
const publisher = usePublisher();
beforeEach(() => emptyStorage(world));

const oneway = (...words: string[]) => runCommand(world, ['sources', ...words]);

test('S3-09 S3-30 a script fetches the files of a data source, gets the reason for each failed file, and fetches a changed file again', async () => {
  await addSource(world.staging, publisher);
  publisher.faults.set('/files/cities/cities-2024.csv', { name: 'not-found' });
  const first = await oneway('run', 'Cities', '--json');
  expect(first.status).toBe(1);
  expect(json(first)).toMatchObject([
    {
      source: 'Cities',
      found: 3,
      fetched: 2,
      loaded: 2,
      failed: 1,
      failures: [{ reason: 'status' }],
    },
  ]);
  publisher.faults.clear();
  const second = await oneway('run', '--all');
  expect(second).toMatchObject({ status: 0 });
  expect(second.stdout).toContain('Cities: 3 found, 1 fetched, 1 loaded, 0 failed');
  publisher.files.set('/files/cities/cities-2025.csv', {
    content: Buffer.from(
      'city,country,population,area_km2,counted_on\nPune,IN,1,2.50,2027-06-30\n',
    ),
  });
  expect(json(await oneway('run', 'Cities', '--json'))).toMatchObject([
    { fetched: 0, differing: 1 },
  ]);
  expect(json(await oneway('refetch', 'Cities', 'cities-2025.csv', '--json'))).toMatchObject({
    fetched: 1,
    loaded: 1,
  });
  expect((await linesIn(world.staging)).map((line) => line.fetch_number)).toEqual([1, 1, 1, 2]);
  expect(json(await oneway('list', '--json'))).toMatchObject([
    {
      name: 'Cities',
      dataset: 'statistics/cities',
      active: true,
      files: 3,
      failed: 0,
      differing: 0,
    },
  ]);
});

test.each([
  [['run'], 2],
  [['run', 'Nowhere'], 1],
  [['run', 'Cities', '--all'], 2],
  [['refetch', 'Cities', 'nothing.csv'], 1],
])('“oneway sources %j” is refused with exit code %d and an explanation', async (words, status) => {
  await addSource(world.staging, publisher);
  const said = await oneway(...words);
  expect(said.status).toBe(status);
  expect(said.stderr).toMatch(/source|file/i);
});
