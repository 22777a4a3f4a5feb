// Tests the page of API keys: an administrator creates, rotates and revokes HAWK keys with scopes for datasets.
import { expect, test } from 'vitest';
import * as credentials from '../../src/access/credentials.ts';
import { textOf, useSite, type Client } from '../support/people.ts';
import { publish } from '../support/published.ts';
import { ask, useAddress, type Key } from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const at = useAddress(site);
const columns = { name: 'text' } as const;
const wanted = { kind: 'hawk', name: 'Weather app', scopes: ['dataset:org/open'] };

/** Returns the key id and the secret that the page shows after a key was created. */
async function shownKey(ops: Client): Promise<Key> {
  const { text } = await ops.get('/api-keys');
  const [id = '', key = ''] = [...text.matchAll(/<code class="secret">([^<]+)</g)].map(
    ([, one]) => one,
  );
  return { id, key, algorithm: 'sha256' };
}
const read = async (key: Key, name = 'org/open') =>
  (await ask(key, `${at.url}/api/v1/table-data/${name}`)).status;

test('S3-04 S3-06 a new HAWK key with the scope of one dataset is shown once and can read only that dataset', async () => {
  await publish(site.here, { name: 'org/open', columns, rows: [['x']] });
  await publish(site.here, { name: 'org/other', columns, rows: [['x']] });
  const ops = await site.as('ops');
  expect((await ops.post('/api-keys', wanted)).status).toBe(303);
  const key = await shownKey(ops);
  expect([key.id, key.key.length]).toEqual([expect.stringMatching(/^owh_/), 43]);
  expect((await ops.get('/api-keys')).text).not.toContain(key.key);
  expect([await read(key), await read(key, 'org/other')]).toEqual([200, 403]);
  const page = textOf((await ops.get('/api-keys')).text);
  expect(page).toContain('org/open');
});

test('a new API key of any kind cannot have the name of an active key until that key is revoked', async () => {
  await publish(site.here, { name: 'org/open', columns, rows: [] });
  const ops = await site.as('ops');
  await ops.post('/api-keys', wanted);
  const refused = await ops.post('/api-keys', wanted);
  expect([refused.status, textOf(refused.text)]).toEqual([422, expect.stringContaining('already')]);
  const bearer = await ops.post('/api-keys', { ...wanted, kind: 'bearer', scopes: ['*'] });
  expect(bearer.status).toBe(422);
  expect(await credentials.list(site.here.sql)).toHaveLength(1);
  const [own] = await credentials.list(site.here.sql);
  await ops.post(`/api-keys/${own?.id}/keys/${own?.keys[0]?.id}/revocation`);
  expect((await ops.post('/api-keys', wanted)).status).toBe(303);
  expect(await credentials.list(site.here.sql)).toHaveLength(2);
});

test('several simultaneous requests for a HAWK key with one name create one key', async () => {
  const ops = await site.as('ops');
  const scopes = ['dataset:*'];
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => ops.post('/api-keys', { ...wanted, scopes })),
  );
  expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
  expect(await credentials.list(site.here.sql)).toHaveLength(1);
});

test('after a HAWK key is rotated on the page, the old and the new key work until the old key is revoked', async () => {
  await publish(site.here, { name: 'org/open', columns, rows: [['x']] });
  const ops = await site.as('ops');
  await ops.post('/api-keys', wanted);
  const former = await shownKey(ops);
  const [own] = await credentials.list(site.here.sql);
  const seen = String(own?.keys[0]?.id);
  await ops.post(`/api-keys/${own?.id}/rotation`, { graceDays: '7', seen });
  const next = await shownKey(ops);
  expect([next.id === former.id, await read(former), await read(next)]).toEqual([false, 200, 200]);
  await ops.post(`/api-keys/${own?.id}/keys/${seen}/revocation`);
  expect([await read(former), await read(next)]).toEqual([401, 200]);
});

test('the form for a HAWK key shows an error for each wrong field and keeps what the person entered', async () => {
  await publish(site.here, { name: 'org/open', columns, rows: [] });
  const ops = await site.as('ops');
  const refused = await ops.post('/api-keys', { ...wanted, name: '', expiresAt: '2020-01-01' });
  expect([refused.status, refused.text]).toEqual([
    422,
    expect.stringMatching(/value="dataset:org\/open"\s+checked/),
  ]);
  const unknown = await ops.post('/api-keys', { ...wanted, scopes: ['dataset:org/none'] });
  expect([unknown.status, textOf(unknown.text)]).toEqual([
    422,
    expect.stringContaining('this dataset is not there'),
  ]);
  const secrets = await ops.post('/api-keys', { ...wanted, scopes: ['secrets:external_tool'] });
  expect(secrets.status).toBe(422);
  expect(await credentials.list(site.here.sql)).toEqual([]);
});
