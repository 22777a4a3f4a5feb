// S0-75: after a failed release production is opened for editing again.
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import * as people from '../../src/people/people.ts';
import { surroundings } from '../support/left-behind.ts';
import { add, get, transfer } from '../support/rows.ts';
import { hire, openSite, textOf } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

const oneway = (variables: Record<string, string>, ...words: string[]) =>
  spawnSync(process.execPath, ['src/commands/oneway.ts', ...words], {
    env: { ...surroundings(), ...variables },
    encoding: 'utf8',
  });

test('S0-75 S0-43 when production is open for editing, every page says so and nobody can transfer', async () => {
  const { staging, preprod, production, variables } = world;
  const key = { entity: 'form', id: await add(staging, 'form', { name: 'Address change' }) };
  await transfer(staging, [key]);
  await transfer(preprod, [key]);

  // Before the setting is changed, no one may save in production, whatever is posted.
  const closed = await openSite(world, 'production');
  const before = await closed.as('ed');
  const refused = await before.post(`/catalog/form/${key.id}`, { name: 'Forged', version: 1 });
  expect(refused.status).toBe(403);
  expect((await before.get(`/catalog/form/${key.id}`)).text).not.toContain('name="description"');
  await closed.close();

  // The command that takes the permission product_manager from everyone, in staging and in pre-production.
  for (const name of ['staging', 'preprod'] as const) {
    await hire(world[name], 'pm');
    const { stdout, status } = oneway(variables[name], 'permissions', 'revoke', 'product_manager');
    expect([status, stdout]).toEqual([0, 'product_manager taken from: pm@example.com\n']);
    const holders = (await people.list(world[name].sql)).flatMap((one) => one.permissions);
    expect(holders).not.toContain('product_manager');
  }

  // Only this setting is needed to open production for editing.
  const site = await openSite(world, 'production', { IS_STAGING_ALWAYS: 'true' });
  const editor = await site.as('ed');
  const page = await editor.get(`/catalog/form/${key.id}`);
  expect(textOf(page.text)).toContain('Production is open for editing.');
  expect(textOf((await editor.get('/')).text)).toContain('Production is open for editing.');
  const version = /name="version" value="(\d+)"/.exec(page.text)?.[1];
  const saved = await editor.post(`/catalog/form/${key.id}`, {
    name: 'Address change',
    description: 'Mended at night',
    version,
  });
  expect(saved.status).toBe(303);
  expect((await get(production, key))['description']).toBe('Mended at night');

  // Rows added in production get ids that staging never assigns.
  const added = await editor.post('/catalog/form', { name: 'Made in production' });
  expect(added.headers['location']).toBe('/catalog/form/2000000000');
  const viewer = await site.as('vic');
  expect((await viewer.post(`/catalog/form/${key.id}`, { name: 'No' })).status).toBe(403);
  await site.close();
});

test('granting an unknown permission is refused with a list of the known ones', () => {
  const { status, stderr } = oneway(world.variables.staging, 'permissions', 'revoke', 'king');
  expect(status).toBe(1);
  expect(stderr).toContain('Choose one of: product_manager');
});

test('wrong settings stop the program at start and are all listed together', () => {
  const variables = { ...world.variables.staging, ENVIRONMENT: 'stage', SQL_DB_PORT: 'x' };
  const { status, stderr } = oneway(variables, 'refresh');
  expect(status).toBe(1);
  expect(stderr).toContain('ENVIRONMENT');
  expect(stderr).toContain('SQL_DB_PORT');
});
