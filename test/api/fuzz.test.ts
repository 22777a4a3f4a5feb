// Tests the API against its OpenAPI document, with generated requests.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as keys from '../../src/api/keys.ts';
import { useSite } from '../support/people.ts';
import { add, transfer } from '../support/rows.ts';
import { fuzz } from '../support/schemathesis.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'preprod');
let server: Server;
beforeAll(() => {
  server = site.app.listen(0, '127.0.0.1');
});
afterAll(() => void server.close());

test('S0-06 the API answers generated requests as its OpenAPI document says', async () => {
  const { staging } = world;
  const business = await add(staging, 'business');
  const form = await add(staging, 'form');
  await add(staging, 'form_field', { form });
  const task = await add(staging, 'task', { business, form });
  await transfer(staging, [{ entity: 'task', id: task }]);
  const key = await keys.create(site.here, 'ops@example.com', { name: 'Fuzzer', scopes: ['*'] });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const paths = '/(task|form|business|banner|objects|metadata)(/|$)';
  expect(await fuzz({ address, key, paths })).toBe('');
}, 300_000);
