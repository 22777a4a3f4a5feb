// Tests that data files with any name can be stored, in a folder and in an S3 bucket.
import { beforeEach, expect, test } from 'vitest';
import {
  addSource,
  emptyStorage,
  objectsIn,
  runSourceNow,
  usePublisher,
  useStores,
} from '../support/sources.ts';

const worlds = useStores();
const publisher = usePublisher();
beforeEach(async () => {
  for (const world of Object.values(worlds)) await emptyStorage(world);
});

const path = (name: string) => `/files/cities/${name}`;
const publish = (name: string, content: string) =>
  publisher.files.set(path(name), { content: Buffer.from(content) });
const gets = () =>
  publisher.requests.filter(({ method, path: at }) => method === 'GET' && at.includes('/files/'));

test.each(['a folder', 'a bucket'] as const)(
  'a run of a data source stores files in %s, whatever names the publisher gives them, and fetches each file only once',
  async (store) => {
    const { staging } = worlds[store];
    const odd = [
      'a/b/../c.csv',
      '../../etc/passwd',
      '.hidden.csv',
      `${'x'.repeat(300)}.csv`,
      `${'y'.repeat(300)}1.csv`,
      `${'y'.repeat(300)}2.csv`,
      '🏙️ cities.csv',
      '市'.repeat(120),
      'Rain.csv',
      'rain.csv',
      'trailing space.csv ',
      'trailing space.csv',
      'back\\slash.csv',
      'per%cent%0041.csv',
      'tab\tand\0null.csv',
      '..',
      '\ud800lone.csv',
      "'; drop table source; --",
    ];
    for (const [index] of odd.entries()) publish(`odd-${index}`, `name\n${index}\n`);
    publisher.files.set('/odd.json', {
      content: Buffer.from(
        JSON.stringify(odd.map((name, index) => ({ name, url: path(`odd-${index}`) }))),
      ),
    });
    const source = await addSource(staging, publisher, {
      url: `${publisher.url}/odd.json`,
      options: {},
    });
    const { report } = await runSourceNow(staging, source);
    expect(report).toMatchObject({ found: odd.length, fetched: odd.length, failed: 0 });
    const keys = await objectsIn(staging);
    expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(odd.length - 1);
    expect((await runSourceNow(staging, source)).report).toMatchObject({
      found: odd.length,
      fetched: 0,
    });
    expect(gets().length).toBe(odd.length);
  },
);
