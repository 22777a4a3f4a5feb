// S3-04 S3-60 Tests the signed API with an independent client: the Python package mohawk.
import { beforeAll, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import { useSite } from '../support/people.ts';
import { publish } from '../support/published.ts';
import { pythonWith } from '../support/python.ts';
import { hawkKey, useAddress, type Key } from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'staging', { API_PAGE_SIZE: '100' });
const at = useAddress(site);
let key: Key;
let url: string;
const rows = Array.from({ length: 250 }, (_, index) => [`Ort ${index} Ä😀`, index]);

beforeAll(async () => {
  await publish(site.here, { name: 'org/places', columns: { name: 'text', n: 'integer' }, rows });
  key = await hawkKey(site.here, ['dataset:org/places']);
  url = `${at.url}/api/v1/table-data/org/places`;
});

type Back = { status: number; verified: boolean | string | null; text: string };

const mohawk = (requests: object[]) =>
  new Promise<Back[][]>((resolve, reject) => {
    const python = pythonWith('mohawk', ['mohawk==1.1.0']);
    const child = spawn(python, ['test/signed-api/mohawk_client.py']);
    let said = '';
    let wrong = '';
    child.stdout.on('data', (part) => (said += String(part)));
    child.stderr.on('data', (part) => (wrong += String(part)));
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(said) as Back[][]) : reject(new Error(wrong)),
    );
    child.stdin.end(JSON.stringify([key, requests]));
  });

const outcome = ({ status, verified, text }: Back) => [
  status,
  verified,
  (JSON.parse(text) as { error?: { code: string } }).error?.code,
];

test('the Python client mohawk reads a dataset in compressed responses and verifies the signature of every response', async () => {
  const read: unknown[] = [];
  for (let next: string | null = url; next !== null;) {
    const [[page] = []] = await mohawk([{ url: next, encoding: 'gzip' }]);
    expect([page?.status, page?.verified]).toEqual([200, true]);
    const body = JSON.parse(page?.text ?? '') as { values: unknown[]; next: string | null };
    read.push(...body.values);
    next = body.next;
  }
  expect(read).toEqual(rows);
});

test('the signed API refuses requests of the Python client mohawk that are replayed, stale, altered, wrongly signed or out of scope', async () => {
  const answers = await mohawk([
    { url, times: 2 },
    { url, late: -61 },
    { url, late: 61 },
    { url, to: `${url}?version=1` },
    { url, key: 'wrong' },
    { url, algorithm: 'sha512' },
    { url, unhashed: true },
    { url: url.replace('places', 'other') },
  ]);
  expect(answers.map((times) => times.map(outcome))).toEqual([
    [
      [200, true, undefined],
      [401, null, 'replayed'],
    ],
    [[401, null, 'stale']],
    [[401, null, 'stale']],
    [[401, null, 'bad_signature']],
    [[401, null, 'bad_signature']],
    [[401, null, 'bad_signature']],
    [[200, true, undefined]],
    [[403, true, 'lacks_scope']],
  ]);
});
