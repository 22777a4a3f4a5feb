// Tests the fallback after a failed release (S0-75): operators open production for editing again.
import { expect, test } from 'vitest';
import * as people from '../../src/people/people.ts';
import { openTerminal } from '../support/command.ts';
import { add, get, transfer } from '../support/rows.ts';
import { hire, openSite, textOf } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

test('S0-75 S0-43 when operators open production for editing, editors can save rows there, and nobody can transfer', async () => {
  const { staging, preprod, production } = world;
  const key = { entity: 'form', id: await add(staging, 'form', { name: 'Address change' }) };
  await transfer(staging, [key]);
  await transfer(preprod, [key]);

  // Without the setting IS_STAGING_ALWAYS, production refuses every save, whatever is posted.
  const closed = await openSite(world, 'production');
  const before = await closed.as('ed');
  const refused = await before.post(`/catalog/form/${key.id}`, { name: 'Forged', version: 1 });
  expect(refused.status).toBe(403);
  expect((await before.get(`/catalog/form/${key.id}`)).text).not.toContain('name="description"');
  await closed.close();

  // The command `oneway permissions revoke` takes product_manager from everyone, so that nobody can transfer.
  for (const name of ['staging', 'preprod'] as const) {
    await hire(world[name], 'pm');
    const { stdout, status } = openTerminal(world)(name, [
      'permissions',
      'revoke',
      'product_manager',
    ]);
    expect([status, stdout]).toEqual([0, 'product_manager taken from: pm@example.com\n']);
    const holders = (await people.list(world[name].sql)).flatMap((one) => one.permissions);
    expect(holders).not.toContain('product_manager');
  }

  // The setting IS_STAGING_ALWAYS alone opens production for editing.
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

  // Rows added in production get ids that staging never assigns, so that the ids do not collide.
  const added = await editor.post('/catalog/form', { name: 'Made in production' });
  expect(added.headers['location']).toBe('/catalog/form/2000000000');
  const viewer = await site.as('vic');
  expect((await viewer.post(`/catalog/form/${key.id}`, { name: 'No' })).status).toBe(403);
  await site.close();
});

test('revoking an unknown permission is refused with a list of the known permissions', () => {
  const { status, stderr } = openTerminal(world)('staging', ['permissions', 'revoke', 'king']);
  expect(status).toBe(1);
  expect(stderr).toContain('Choose one of: product_manager');
});

test('the command line lists all wrong settings in one error message and ends with status 1', () => {
  const also = { ENVIRONMENT: 'stage', SQL_DB_PORT: 'x' };
  const { status, stderr } = openTerminal(world)('staging', ['refresh'], { also });
  expect(status).toBe(1);
  expect(stderr).toContain('ENVIRONMENT');
  expect(stderr).toContain('SQL_DB_PORT');
});
