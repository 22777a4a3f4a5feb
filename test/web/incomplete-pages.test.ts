// Tests posts that lack the hidden field with the state that their page showed, as programs may send them. Such a post
// must not overwrite what another user has saved.
import { beforeEach, expect, test } from 'vitest';
import * as credentials from '../../src/access/credentials.ts';
import * as people from '../../src/people/people.ts';
import * as selections from '../../src/sheet/selections.ts';
import { keyText } from '../../src/catalog/entity.ts';
import { readStates } from '../../src/state/row-state.ts';
import { listMappings } from '../../src/state/name-mapping.ts';
import { hire, textOf, useSite, type Client } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
let pm: Client;
let ops: Client;
beforeEach(async () => {
  pm = await site.as('pm');
  ops = await site.as('ops');
});

const newForm = () => add(world.staging, 'form', { name: 'Visit' });

test('a post of permissions is refused if it lacks the hidden field with the permissions that the page showed (F16)', async () => {
  await hire(site.here, 'ed');
  const found = () =>
    people.list(site.here.sql).then((all) => all.find(({ name }) => name === 'ed'));
  const before = await found();
  const answer = await ops.post(`/people/${before?.id}/permissions`, { permissions: 'on_call' });
  expect([answer.status, textOf(answer.text)]).toEqual([
    422,
    expect.stringContaining('nothing was saved'),
  ]);
  expect(answer.text).toMatch(/value="on_call"\s+checked/);
  expect((await found())?.permissions).toEqual(before?.permissions);
});

test('a post for a new invitation link is refused if it lacks the hidden field with the link that the page showed (F16)', async () => {
  const { headers } = await ops.post('/people', { name: 'Ana', email: 'ana@example.com' });
  expect((await ops.post(`${headers['location']}/invitation`, {})).status).toBe(409);
});

test('a post that removes the mark “Not for production” is refused if it lacks the hidden field with the mark that the page showed (F16)', async () => {
  const key = { entity: 'form', id: await newForm() };
  await pm.post(`/catalog/form/${key.id}/hold`, { reason: 'A trial' });
  expect((await pm.post(`/catalog/form/${key.id}/hold/removal`, {})).status).toBe(409);
  const state = (await readStates(world.staging.sql, [key])).get(keyText(key));
  expect(state?.held_reason).toBe('A trial');
});

test('a post that removes a name mapping is refused if it lacks the hidden field with the mapping that the page showed (F16)', async () => {
  await pm.post('/name-mappings', { entity: 'city', name: 'Pune', there: 'Poona' });
  const answer = await pm.post('/name-mappings', { entity: 'city', name: 'Pune', there: '' });
  expect([answer.status, textOf(answer.text)]).toEqual([409, expect.stringContaining('Poona')]);
  expect(await listMappings(world.staging.sql)).toMatchObject([{ name: 'Pune', there: 'Poona' }]);
});

test('a post that lacks the hidden fields of a selection’s page neither removes nor overwrites the selection (F16)', async () => {
  const address = (await pm.post('/selections', { rows: [`form:${await newForm()}`] })).headers[
    'location'
  ] as string;
  const id = address.split('/')[2] ?? '';
  const stored = () => selections.find(world.staging.sql, id, 'transfer');
  await pm.post(`${address}/choices`, { name: 'Diwali', resend: 'yes' });
  expect((await pm.post(`${address}/removal`, {})).status).toBe(409);
  await pm.post(`${address}/choices`, { reason: 'Asked for' });
  expect(await stored()).toMatchObject({
    name: 'Diwali',
    reason: 'Asked for',
    choices: { resend: true },
  });
  expect((await pm.post(`${address}/choices`, { name: 'Holi' })).status).toBe(409);
  expect((await stored()).name).toBe('Diwali');
});

test('a post that rotates an API key is refused if it lacks the hidden field with the key that the page showed (F16)', async () => {
  await ops.post('/api-keys', { name: 'App', scopes: ['form'], expiresAt: '' });
  const [own] = await credentials.list(world.staging.sql);
  expect((await ops.post(`/api-keys/${own?.id}/rotation`, { graceDays: '7' })).status).toBe(409);
  expect((await credentials.list(world.staging.sql))[0]?.keys).toHaveLength(1);
});
