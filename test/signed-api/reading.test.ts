// S3-04 S3-06 S3-61 Tests what clients of the signed API can read: the list of datasets, their columns and rows, and
// which datasets a key may not read.
import { beforeEach, describe, expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import { useSite } from '../support/people.ts';
import { publish } from '../support/published.ts';
import {
  allPages,
  ask,
  hawkKey,
  useAddress,
  type Answer,
  type Key,
} from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging', { API_PAGE_SIZE: '10' });
const at = useAddress(site);
let all: Key;
const codeOf = ({ status, json }: Answer) => [status, json.error?.code];
const columns = { name: 'text', size: 'integer', price: 'real' } as const;
const rowsOf = (count: number, start = 1) =>
  Array.from({ length: count }, (_, index) => [`Row ${start + index}`, start + index, 0.5]);
const data = (name: string, query = '') => `${at.url}/api/v1/table-data/${name}${query}`;

beforeEach(async () => {
  all = await hawkKey(site.here, ['dataset:*']);
});

describe('reading the rows of a dataset page by page in the signed API', () => {
  test('S3-20 S3-23 S3-61 a response of the signed API lists each row as an array by default, and has the absolute URL of the next rows or null', async () => {
    const rows = rowsOf(25);
    await publish(site.here, { name: 'org/name', columns, rows });
    const { json } = await ask(all, data('org/name'));
    expect(json).toEqual({
      headers: ['name', 'size', 'price'],
      values: rows.slice(0, 10),
      next: data('org/name', '?orientation=tabular&next-id=11&version=1'),
    });
    const last = await ask(all, data('org/name', '?next-id=21'));
    expect([(last.json['values'] as []).length, last.json['next']]).toEqual([5, null]);
    expect(await allPages(all, data('org/name'))).toEqual(rows);
  });

  test('S3-61 with orientation=records, the signed API returns each row as an object by column name, with every number as stored', async () => {
    const cells = [
      '["a \\"quoted\\", [text]\\\\",1.10,1e5]',
      '[null,9007199254740991,-0.0]',
      '["",true,1.7976931348623157e308]',
      '["\\\\\\\\",  2 , 3]',
    ];
    const odd = { 'a "b"': 'text', __proto__: 'integer', 'c,d': 'real' } as const;
    await publish(site.here, {
      name: 'org/odd',
      columns: { ...odd, ['__proto__']: 'integer', 'c,d': 'real' },
      rows: cells,
    });
    const { text } = await ask(all, data('org/odd', '?orientation=records'));
    const names = Object.keys({ ...odd, ['__proto__']: 'integer', 'c,d': 'real' });
    expect(text).toContain('1.10');
    expect(text).toContain('-0.0');
    const { results } = JSON.parse(text) as { results: Record<string, unknown>[] };
    expect(results.map((row) => names.map((name) => row[name]))).toEqual(
      cells.map((row) => JSON.parse(row) as unknown[]),
    );
    const tabular = await ask(all, data('org/odd'));
    for (const row of cells) expect(tabular.text).toContain(row);
  });

  test('a dataset whose rows exactly fill one response of the signed API has no next URL, and an empty dataset has one empty response', async () => {
    await publish(site.here, { name: 'org/ten', columns, rows: rowsOf(10) });
    await publish(site.here, { name: 'org/none', columns, rows: [] });
    expect((await ask(all, data('org/ten'))).json['next']).toBeNull();
    expect((await ask(all, data('org/none'))).json).toMatchObject({ values: [], next: null });
    expect((await ask(all, data('org/ten', '?next-id=11'))).json).toMatchObject({
      values: [],
      next: null,
    });
  });

  test('if each data file adds rows to a dataset (mode append), the signed API returns the rows of all its data files', async () => {
    for (const start of [1, 8, 20]) {
      await publish(site.here, {
        name: 'org/log',
        columns,
        rows: rowsOf(start === 1 ? 7 : 12, start),
        mode: 'append',
      });
    }
    expect(await allPages(all, data('org/log'))).toEqual(rowsOf(31));
    expect(await allPages(all, data('org/log', '?version=2'))).toEqual(rowsOf(19));
  });

  test('a client that is reading a dataset page by page when a new version is published gets all further rows from the former version', async () => {
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(25) });
    const { json } = await ask(all, data('org/name'));
    await publish(site.here, { name: 'org/name', columns: { other: 'text' }, rows: [['x']] });
    expect(await allPages(all, String(json['next']))).toEqual(rowsOf(15, 11));
    expect(await allPages(all, data('org/name'))).toEqual([['x']]);
  });

  test('the signed API answers 410 version_gone for a dataset version whose rows were deleted', async () => {
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(25) });
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(3) });
    await run(
      site.here.sql,
      sql`update data_version set purged_at = utc_timestamp(3) where number = 1`,
    );
    for (const path of ['table-data', 'table-structure']) {
      const answer = await ask(all, `${at.url}/api/v1/${path}/org/name?version=1`);
      expect([codeOf(answer), answer.json.error?.message]).toEqual([
        [410, 'version_gone'],
        expect.stringContaining('start again without version'),
      ]);
    }
  });

  test('the signed API answers 500 if a stored row of a dataset version is missing, and never returns the other rows without that row', async () => {
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(25) });
    await run(site.here.sql, sql`delete from data_row where id = 14`);
    expect((await ask(all, data('org/name'))).status).toBe(200);
    expect(codeOf(await ask(all, data('org/name', '?next-id=11')))).toEqual([500, 'failed']);
  });

  test('the signed API returns fewer rows in a response if they are large, so that a response stays near 8 MB, and skips no row', async () => {
    const large = (size: number, index: number) => ['x'.repeat(size), index, null];
    const rows = [
      ...Array.from({ length: 5 }, (_, index) => large(1_900_000, index)),
      large(9_000_000, 5),
      ...Array.from({ length: 6 }, (_, index) => large(10, 6 + index)),
    ];
    await publish(site.here, {
      name: 'org/large',
      columns,
      rows: rows.slice(0, 4),
      mode: 'append',
    });
    await publish(site.here, { name: 'org/large', columns, rows: rows.slice(4), mode: 'append' });
    const sizes: number[] = [];
    const read: unknown[] = [];
    for (let url: string | null = data('org/large'); url !== null;) {
      const { json, text } = await ask(all, url);
      const values = json['values'] as unknown[];
      sizes.push(values.length);
      read.push(...values);
      expect(text.length < 8_100_000 || values.length === 1).toBe(true);
      url = json['next'] as string | null;
    }
    expect(read).toEqual(rows);
    expect(Math.max(...sizes)).toBeGreaterThan(1);
  });

  test('the signed API records when rows of a dataset version were last read', async () => {
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(1) });
    await ask(all, data('org/name'));
    const [read] = (await site.here.sql.query('select read_at from data_version'))[0] as {
      read_at: string;
    }[];
    expect(read?.read_at).not.toBeNull();
  });

  test.each([
    ['?orientation=sideways', 'orientation'],
    ['?next-id=0', 'next-id'],
    ['?next-id=1&next-id=2', 'next-id'],
    ['?next-id=99999999999999999', 'next-id'],
    ['?version=abc', 'version'],
    ['?version=4294967296', 'version'],
    ['?limit=5', 'limit'],
  ])(
    'the signed API refuses the query %s with 422, and the error names the wrong parameter (%s)',
    async (query, name) => {
      await publish(site.here, { name: 'org/name', columns, rows: rowsOf(1) });
      const answer = await ask(all, data('org/name', query));
      expect([codeOf(answer), answer.json.error?.message]).toEqual([
        [422, 'invalid'],
        expect.stringContaining(name),
      ]);
    },
  );
});

describe('the list of datasets, and the columns of a dataset, in the signed API', () => {
  test('S3-61 the signed API returns the structure of a dataset: columns with types, version and number of rows', async () => {
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(25) });
    await publish(site.here, {
      name: 'org/name',
      columns: { id: 'numeric', at: 'timestamp' },
      rows: [],
    });
    const structure = (query = '') => ask(all, `${at.url}/api/v1/table-structure/org/name${query}`);
    expect((await structure()).json).toEqual({
      columns: [
        { name: 'id', type: 'NUMERIC' },
        { name: 'at', type: 'TIMESTAMP' },
      ],
      version: 2,
      rows: 0,
    });
    expect((await structure('?version=1')).json).toMatchObject({ version: 1, rows: 25 });
    expect(codeOf(await structure('?version=7'))).toEqual([404, 'not_found']);
  });

  test('S3-06 the signed API lists the datasets that the key may read, each with version, number of rows and URLs', async () => {
    await publish(site.here, { name: 'org/one', columns, rows: rowsOf(2) });
    await publish(site.here, { name: 'org/two', columns, rows: rowsOf(3) });
    await publish(site.here, { name: 'other/three', columns, rows: [], isOpen: false });
    const list = async (scopes: string[]) => {
      const { json } = await ask(
        await hawkKey(site.here, scopes, scopes.join(' ')),
        `${at.url}/api/v1/table-data`,
      );
      return (json['datasets'] as { name: string }[]).map(({ name }) => name);
    };
    expect(await list(['dataset:*'])).toEqual(['org/one', 'org/two']);
    expect(await list(['dataset:org/*'])).toEqual(['org/one', 'org/two']);
    expect(await list(['dataset:org/two'])).toEqual(['org/two']);
    expect(await list(['sources:run'])).toEqual([]);
    expect(await list(['pipeline'])).toEqual(['org/one', 'org/two', 'other/three']);
    const { json } = await ask(all, `${at.url}/api/v1/table-data`);
    expect((json['datasets'] as object[])[0]).toEqual({
      name: 'org/one',
      version: 1,
      rows: 2,
      updated: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      structure: `${at.url}/api/v1/table-structure/org/one`,
      data: data('org/one'),
    });
  });
});

describe('datasets that an API key may not read', () => {
  test('the signed API refuses a key without the scope for a dataset with 403 and the same message, whether or not the dataset exists', async () => {
    await publish(site.here, { name: 'org/secret', columns, rows: rowsOf(1) });
    const key = await hawkKey(site.here, ['dataset:org/other', 'sources:run'], 'Narrow');
    const [known, unknown] = await Promise.all(
      ['org/secret', 'org/nothing'].map((name) => ask(key, data(name))),
    );
    expect([known, unknown].map((answer) => answer && codeOf(answer))).toEqual([
      [403, 'lacks_scope'],
      [403, 'lacks_scope'],
    ]);
    expect(unknown?.json.error?.message).toBe(
      known?.json.error?.message.replace('secret', 'nothing'),
    );
  });

  test('for a dataset that is not marked as open to clients, the signed API answers 404, except to a key with the scope pipeline', async () => {
    await publish(site.here, { name: 'org/closed', columns, rows: rowsOf(1), isOpen: false });
    const [closed, missing] = await Promise.all(
      ['org/closed', 'org/absent'].map((name) => ask(all, data(name))),
    );
    expect([closed, missing].map((answer) => answer && codeOf(answer))).toEqual([
      [404, 'not_found'],
      [404, 'not_found'],
    ]);
    expect(missing?.json.error?.message).toBe(
      closed?.json.error?.message.replace('closed', 'absent'),
    );
    const pipeline = await hawkKey(site.here, ['pipeline'], 'Pipeline');
    expect((await ask(pipeline, data('org/closed'))).status).toBe(200);
  });

  test('the signed API answers 404 for names that no dataset can have', async () => {
    for (const name of [
      'Org/name',
      'org/na-me',
      'org/%27or%271',
      'org/%00',
      '__proto__/constructor',
    ]) {
      expect([name, (await ask(all, data(name))).status]).toEqual([name, 404]);
    }
  });

  test('the signed API does not list a dataset of which no version was published, and answers 404 to requests for its rows', async () => {
    await publish(site.here, { name: 'org/name', columns, rows: rowsOf(1) });
    await run(site.here.sql, sql`update dataset set current_version = null`);
    expect(codeOf(await ask(all, data('org/name')))).toEqual([404, 'not_found']);
    expect((await ask(all, `${at.url}/api/v1/table-data`)).json).toEqual({ datasets: [] });
  });
});
