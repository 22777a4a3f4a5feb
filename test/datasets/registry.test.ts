// Tests the table of data files: the states of a data file, and which action changes one state to another.
import { beforeEach, describe, expect, test } from 'vitest';
import { sql, transaction } from '../../src/database/sql.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import * as registry from '../../src/datasets/registry.ts';
import type { Datafile, DatafileState } from '../../src/datasets/registry.ts';
import * as reloading from '../../src/datasets/reloading.ts';
import * as uploads from '../../src/datasets/uploads.ts';
import { addDataset, confirm, load, rowsOf, runJobs, upload } from '../support/datasets.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const person = 'dana@example.com';
const content = 'name,people\nPune,7\nLyon,5\n';
let cities: Dataset;

beforeEach(async () => {
  cities = await addDataset(world.staging);
});

const now = ({ id }: Pick<Datafile, 'id'>) => registry.known(world.staging.sql, id);

/** Returns a data file in the given state, made by uploading, loading, failing or ignoring it. */
async function fileIn(state: DatafileState): Promise<Datafile> {
  if (state === 'processed') return load(world.staging, cities, content);
  const file = await upload(world.staging, cities, content);
  if (state === 'failed') {
    await registry.fail(world.staging.sql, file, { reason: 'other', message: 'It broke' });
  }
  if (state === 'ignored') await reloading.ignore(world.staging, person, file, 'Not a table');
  return now(file);
}

describe('S3-63 which actions are allowed in each state of a data file', () => {
  const actions: Record<string, (file: Datafile) => Promise<unknown>> = {
    'load again': (file) => reloading.loadAgain(world.staging, person, file),
    ignore: (file) => reloading.ignore(world.staging, person, file, 'Not a table'),
    'choose a reading': (file) =>
      reloading.chooseReading(world.staging, person, { file, choices: {} }),
    confirm: (file) => confirm(world.staging, file),
    'accept columns': (file) => reloading.acceptColumns(world.staging, person, file),
  };
  test.each<[DatafileState, string, DatafileState | null]>([
    ['processing', 'ignore', 'ignored'],
    ['processing', 'choose a reading', 'processing'],
    ['processing', 'confirm', 'processing'],
    ['processing', 'load again', null],
    ['processing', 'accept columns', null],
    ['failed', 'load again', 'processing'],
    ['failed', 'ignore', 'ignored'],
    ['failed', 'choose a reading', 'processing'],
    ['failed', 'confirm', 'processing'],
    ['failed', 'accept columns', 'processing'],
    ['processed', 'load again', 'processed'],
    ['processed', 'ignore', null],
    ['processed', 'choose a reading', null],
    ['processed', 'confirm', null],
    ['processed', 'accept columns', null],
    ['ignored', 'load again', 'processing'],
    ['ignored', 'ignore', null],
    ['ignored', 'choose a reading', null],
    ['ignored', 'confirm', null],
    ['ignored', 'accept columns', null],
  ])(
    'a data file in state %s: the action “%s” leads to state %s (null: refused)',
    async (state, action, becomes) => {
      const file = await fileIn(state);
      const doing = actions[action]?.(file);
      if (becomes === null) {
        await expect(doing).rejects.toMatchObject({ status: 409 });
        expect((await now(file)).state).toBe(state);
      } else {
        await doing;
        expect((await now(file)).state).toBe(becomes);
      }
    },
  );
});

test('loading a processed data file again keeps its rows and adds a second entry for the same stored file to the table of data files', async () => {
  const file = await fileIn('processed');
  const { file: again } = await reloading.loadAgain(world.staging, person, file);
  expect(again).toMatchObject({ object: file.object, sha256: file.sha256, state: 'processing' });
  expect(again.fetch_number).toBe(file.fetch_number + 1);
  expect(await rowsOf(world.staging, cities)).toHaveLength(2);
  const third = await reloading.loadAgain(world.staging, person, file);
  expect(third.file.fetch_number).toBe(file.fetch_number + 2);
});

test('two workers that add the same file of a data source at the same time make one entry in the table of data files', async () => {
  const { insertId: source } = await transaction(world.staging.sql, async (on) => {
    const [answer] = await on.query(
      `insert into source (name, kind, url, options, hosts, dataset, cron, created_by, created_at)
       values ('office', 'json-index', 'http://example.org', '{}', '[]', ?, '0 2 * * *', 'ops', utc_timestamp(3))`,
      [cities.id],
    );
    return answer as { insertId: number };
  });
  const wanted = {
    dataset: cities.id,
    source,
    file_name: 'rain.csv',
    object: 'datafiles/1/rain.csv',
    size: 3,
    sha256: 'a'.repeat(64),
    person,
  };
  const add = () => transaction(world.staging.sql, (on) => registry.add(on, wanted));
  const [one, other] = await Promise.all([add(), add()]);
  expect(one.id).toBe(other.id);
});

test('two uploads with the same file name make two entries in the table of data files', async () => {
  const [one, other] = [await fileIn('processing'), await fileIn('processing')];
  expect(other.id).not.toBe(one.id);
});

test('only a data file in state processing can be marked as failed, and a long error message is truncated', async () => {
  const file = await fileIn('processed');
  const fault = { reason: 'other' as const, message: 'x'.repeat(3000) };
  expect(await registry.fail(world.staging.sql, file, fault)).toBe(false);
  const waiting = await fileIn('processing');
  expect(await registry.fail(world.staging.sql, waiting, fault)).toBe(true);
  expect((await now(waiting)).error_message).toHaveLength(2000);
});

test('a data file that is examined again with another delimiter stores the findings of the newer examination', async () => {
  const file = await fileIn('processing');
  const choices = { delimiter: ';' };
  await reloading.chooseReading(world.staging, person, { file, choices });
  expect((await now(file)).examination).toBeNull();
  await runJobs(world.staging);
  expect(registry.choicesOf(await now(file))).toEqual(choices);
  expect((await now(file)).examination).toContain('"delimiter":";"');
});

test('an upload names who ignored its data file and why, and the list of data files is filtered by state and dataset', async () => {
  const ignored = await fileIn('ignored');
  expect((await uploads.ofDatafile(world.staging.sql, ignored.id))?.error).toBe(
    'Ignored by dana@example.com: Not a table',
  );
  const failed = await fileIn('failed');
  const listed = async (filter: Partial<registry.DatafileFilter>) => {
    const all = { state: '', dataset: null, source: null, before: null, ...filter };
    return (await registry.list(world.staging.sql, all)).map(({ id }) => id);
  };
  expect(await listed({})).toEqual([failed.id, ignored.id]);
  expect(await listed({ state: 'failed' })).toEqual([failed.id]);
  expect(await listed({ before: failed.id })).toEqual([ignored.id]);
  expect(await listed({ dataset: cities.id + 1 })).toEqual([]);
});

test('the error of a refused change to a data file names the state of the file, such as processed', async () => {
  const file = await fileIn('processed');
  const change = registry.changeOrRefuse(world.staging.sql, file, ['failed'], sql`reason = null`);
  await expect(change).rejects.toThrow(/^cities.csv is processed now\./);
});
