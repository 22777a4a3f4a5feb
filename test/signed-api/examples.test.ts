// Runs the example programs of docs/signed-api.md exactly as they are printed there.
import { beforeAll, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { useSite } from '../support/people.ts';
import { publish } from '../support/published.ts';
import { pythonWith } from '../support/python.ts';
import { hawkKey, useAddress, type Key } from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'staging', { API_PAGE_SIZE: '40' });
const at = useAddress(site);
const rows = Array.from({ length: 100 }, (_, index) => [
  `Ort ${index} Ä😀`,
  index,
  null,
  index % 2 === 0,
]);
let key: Key;

beforeAll(async () => {
  const columns = { name: 'text', n: 'integer', empty: 'text', even: 'boolean' } as const;
  await publish(site.here, { name: 'statistics/cities', columns, rows });
  key = await hawkKey(site.here, ['dataset:statistics/cities']);
});

const examples = Object.fromEntries(
  [...readFileSync('docs/signed-api.md', 'utf8').matchAll(/```(js|python)\n(.*?)```/gs)].map(
    ([, language = '', code = '']) => [language, code],
  ),
);

const run = (program: string, words: string[]) =>
  new Promise<{ code: number | null; said: string; wrong: string }>((done) => {
    const child = spawn(program, words, {
      env: {
        PATH: process.env['PATH'],
        PYTHONUTF8: '1',
        ONEWAY_URL: at.url,
        HAWK_ID: key.id,
        HAWK_KEY: key.key,
        DATASET: 'statistics/cities',
      },
    });
    let said = '';
    let wrong = '';
    child.stdout.on('data', (part) => (said += String(part)));
    child.stderr.on('data', (part) => (wrong += String(part)));
    child.once('close', (code) => done({ code, said, wrong }));
  });

test.each([
  ['js', 'example.mjs', () => process.execPath],
  [
    'python',
    'example.py',
    () => pythonWith('python-clients', ['mohawk==1.1.0', 'requests==2.32.5']),
  ],
] as const)(
  'S3-06 the example client in docs/signed-api.md for %s reads every row of a dataset',
  async (language, file, program) => {
    // The programs are written below the project folder, so that they find the packages that they
    // import.
    const folder = resolve('var/examples');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, file), examples[language] ?? '');
    const { code, said, wrong } = await run(program(), [join(folder, file)]);
    expect([code, code === 0 ? '' : wrong]).toEqual([0, '']);
    const lines = said.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(rows);
  },
);
