// Tests the API against its OpenAPI document, with generated requests.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as keys from '../../src/api/keys.ts';
import { useSite } from '../support/people.ts';
import { add, transfer } from '../support/rows.ts';
import { schemathesis } from '../support/schemathesis.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'preprod');
let server: Server;
beforeAll(() => {
  server = site.app.listen(0, '127.0.0.1');
});
afterAll(() => void server.close());

const run = (program: string, words: string[]) =>
  new Promise<{ code: number | null; said: string }>((resolve) => {
    let said = '';
    const cwd = mkdtempSync(join(tmpdir(), 'oneway-fuzz-'));
    const child = spawn(program, words, { cwd, env: { ...process.env, PYTHONUTF8: '1' } });
    child.stdout.on('data', (part) => (said += String(part)));
    child.stderr.on('data', (part) => (said += String(part)));
    child.once('exit', (code) => resolve({ code, said }));
  });

test('S0-06 the API answers generated requests as its OpenAPI document says', async () => {
  const { staging } = world;
  const business = await add(staging, 'business');
  const form = await add(staging, 'form');
  await add(staging, 'form_field', { form });
  const task = await add(staging, 'task', { business, form });
  await transfer(staging, [{ entity: 'task', id: task }]);
  const key = await keys.create(site.here, 'ops@example.com', { name: 'Fuzzer', scopes: ['*'] });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, said } = await run(schemathesis(), [
    'run',
    `${address}/api/v1/openapi.json`,
    '--url',
    address,
    '-H',
    `Authorization: Bearer ${key}`,
    '--phases',
    'examples,coverage,fuzzing',
    '--checks',
    'all',
    '--max-examples',
    '15',
    '--seed',
    '7',
    '--no-color',
    '--include-path-regex',
    '/(task|form|business|banner|objects|metadata)(/|$)',
  ]);
  expect(code === 0 ? '' : said).toBe('');
}, 300_000);
