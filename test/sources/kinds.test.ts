// Tests the three kinds of index (list of data files) that a data source may have: which files a source lists from
// each, and which indexes it refuses.
import { describe, expect, test } from 'vitest';
import type { Http } from '../../src/sources/http.ts';
import { kinds, type KindName } from '../../src/sources/index.ts';
import type { ListedFile } from '../../src/sources/kind.ts';
import { matches, storedName, fileOfKey, keyOf } from '../../src/sources/names.ts';
import { checkedKey } from '../../src/storage/keys.ts';
import { FetchFailure } from '../../src/sources/failure.ts';
import * as fc from 'fast-check';

const base = 'https://statistics.example/data/index';

/** Returns an HTTP client that answers every request with this text. */
const answering = (text: string): Http => ({
  text: () => Promise.resolve(text),
  json: () => Promise.resolve(JSON.parse(text) as unknown),
  open: () => Promise.reject(new Error('not asked for')),
  headers: () => Promise.resolve(null),
});

async function listed(kind: KindName, answer: unknown, options: Record<string, string> = {}) {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const found: ListedFile[] = [];
  for await (const file of kinds[kind].list({ url: base, options }, answering(text)))
    found.push(file);
  return found;
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof FetchFailure ? error.reason : error),
  );

describe('a data source whose index (list of data files) is JSON', () => {
  test('the name, URL, size and ETag of each file are read from those fields of a JSON index that the data source’s options name', async () => {
    const answer = { result: { files: [{ t: 'a.csv', at: 'files/a.csv', n: 7, tag: 'W/"x"' }] } };
    const options = { path: 'result.files', url: 'at', name: 't', size: 'n', etag: 'tag' };
    expect(await listed('json-index', answer, options)).toEqual([
      { name: 'a.csv', url: 'https://statistics.example/data/files/a.csv', size: 7, etag: 'x' },
    ]);
  });

  test('a JSON index may be a plain list of URLs of data files, and a file without a name is named after the end of its URL', async () => {
    expect(await listed('json-index', ['b%20c.csv?x=1', { url: '/d.csv', size: '12 kB' }])).toEqual(
      [
        { name: 'b c.csv', url: 'https://statistics.example/data/b%20c.csv?x=1' },
        { name: 'd.csv', url: 'https://statistics.example/d.csv' },
      ],
    );
  });

  test.each([
    [{ files: 1 }, { path: 'files' }],
    [{ files: [] }, {}],
    [null, {}],
    [[{ link: 'a.csv' }], {}],
    [{}, { path: 'constructor.prototype' }],
  ])(
    'a data source refuses a JSON index (list of data files) with the wrong content %j',
    async (answer, options) => {
      expect(await failure(listed('json-index', answer, options))).toBe('index');
    },
  );
});

describe('a data source whose index (list of data files) is an HTML page', () => {
  test('from an HTML index, a data source lists each link with a matching file name once, and resolves relative URLs, &amp; and <base>', async () => {
    const html = `<!-- <a href="no.csv"> --><base href="/files/">
      <A HREF="rain-2026.csv#top">x</A> <a href='rain-2026.csv'>again</a>
      <a href="b&amp;c.csv">x</a><a href="https://other.example/d.CSV">x</a> <a href="readme.txt">x</a>
      <a href="mailto:a.csv">x</a><a href="javascript:a.csv">x</a><a name="a.csv">x</a><link href="l.csv">
      <a href="download?file=e.csv">x</a><a href="%E5%B8%82.csv">x</a><a href="${'x'.repeat(5000)}.csv">x</a>`;
    expect((await listed('html-index', html)).map(({ name, url }) => [name, url])).toEqual([
      ['rain-2026.csv', 'https://statistics.example/files/rain-2026.csv'],
      ['b&c.csv', 'https://statistics.example/files/b&c.csv'],
      ['d.CSV', 'https://other.example/d.CSV'],
      ['download?file=e.csv', 'https://statistics.example/files/download?file=e.csv'],
      ['市.csv', 'https://statistics.example/files/%E5%B8%82.csv'],
    ]);
  });

  test('the pattern for file names in an HTML index may contain *, ? and several alternatives, and ignores upper and lower case', () => {
    expect(matches('rain-????.csv *.gz', 'RAIN-2026.csv')).toBe(true);
    expect(matches('rain-????.csv, *.gz', 'a.csv.gz')).toBe(true);
    expect(matches('rain-????.csv', 'rain-26.csv')).toBe(false);
    expect(matches('*.csv', 'a.csv.txt')).toBe(false);
    expect(matches('a*b*c', 'aXbYbZc')).toBe(true);
    expect(matches('(a+)+$', 'aaaa')).toBe(false);
  });

  test('a long file name is matched against any pattern for file names in an HTML index in less than a second', () => {
    const start = performance.now();
    const long = 'a'.repeat(4000);
    for (const pattern of [
      '*a'.repeat(100),
      `${'a*'.repeat(99)}b`,
      '?*'.repeat(100),
      '*'.repeat(200),
    ]) {
      matches(pattern, long);
    }
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('a data source whose index is a package of a CKAN server', () => {
  const packageOf = (resources: object[]) => ({ success: true, result: { resources } });

  test('from a package of a CKAN server, a data source lists only the files of the configured format', async () => {
    const answer = packageOf([
      {
        id: '1',
        format: 'csv',
        url: 'https://files.example/a.csv',
        size: 5,
        hash: 'h',
        last_modified: 'm',
      },
      { id: '2', format: 'CSV', url: '/b.csv', size: null, hash: '', last_modified: '2026-01-01' },
      { id: '3', format: 'PDF', url: '/c.pdf' },
      { id: '4', format: null, url: '/d.csv' },
    ]);
    expect(await listed('ckan', answer, { package: 'rain' })).toEqual([
      { name: 'a.csv', url: 'https://files.example/a.csv', size: 5, etag: 'h' },
      { name: 'b.csv', url: 'https://statistics.example/b.csv', etag: '2026-01-01' },
    ]);
  });

  test.each([[{ success: false }], [{ success: true }], [[]], ['null']])(
    'the wrong response %j of a CKAN server is refused',
    async (answer) => {
      expect(await failure(listed('ckan', answer, { package: 'rain' }))).toBe('index');
    },
  );
});

test('different file names always get different keys in object storage, and each key can be converted back into its file name', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 });
  fc.assert(
    fc.property(text, text, fc.integer({ min: 1, max: 99 }), (one, other, fetch) => {
      const [name, otherName] = [storedName(one), storedName(other)];
      const key = checkedKey(keyOf(3, { name, fetch }));
      expect(fileOfKey(3, key)).toEqual({ name, fetch });
      expect(name.length).toBeLessThanOrEqual(255);
      if (one !== other) expect(keyOf(3, { name: otherName, fetch })).not.toBe(key);
    }),
    { numRuns: 3000 },
  );
});

test('keys in object storage that do not belong to a file of the data source are not converted into file names', () => {
  expect(fileOfKey(3, 'datafiles/3/x/a.csv')).toBeNull();
  expect(fileOfKey(3, 'datafiles/3/1/a/b.csv')).toBeNull();
  expect(fileOfKey(3, 'datafiles/3/1/%002f')).toEqual({ name: '/', fetch: 1 });
  expect(fileOfKey(3, 'datafiles/3/1/%0061')).toBeNull();
});
