// Tests staging databases on the command line: they are made, listed, kept longer, protected against dropping, and
// dropped.
import { expect, test } from 'vitest';
import * as copies from '../../src/staging/copies.ts';
import { add } from '../support/rows.ts';
import { json, openTerminal } from '../support/command.ts';
import { backUp, client, useCopies } from '../support/staging.ts';

const world = useCopies();
const run = (...words: string[]) => openTerminal(world)('staging', ['copies', ...words]);
const name = `${client}-lab_cli`;

test('a staging database can be made, listed, kept longer, protected against dropping, and dropped on the command line', async () => {
  await add(world.production, 'form', { name: 'Visit' });
  await backUp(world.production);
  const made = run('build', '--client', client, '--suffix', 'cli', '--no-timestamp', '--json');
  expect([made.status, made.stderr]).toEqual([0, '']);
  expect(json<{ name: string }>(made).name).toBe(name);
  expect(json(run('list', '--json'))).toMatchObject({ used: 1, limit: 10, copies: [{ name }] });
  expect(run('keep', name).stdout).toMatch(/is kept until/);
  expect(run('protect', name, '--days', '3').stdout).toMatch(/is protected until/);
  const refused = run('drop', name, '--yes');
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('is protected')]);
  run('protect', name, '--days', '0');
  expect(run('restore-test', '--client', client).stdout).toMatch(/the same as when it was taken/);
  expect(run('drop', name, '--yes').stdout).toContain(`${name} is dropped.`);
  expect(await copies.named(world.staging.sql, name)).toBeUndefined();
}, 90_000);

test.each([
  ['build for an unknown client', ['build', '--client', 'nobody'], 'There is no backup of nobody'],
  [
    'drop of another database',
    ['drop', 'mysql', '--yes'],
    'There is no database mysql that was made here',
  ],
])(
  'the command “oneway copies” fails (%s) and says what to do',
  (_what, words, message) => {
    const said = run(...words);
    expect([said.status, said.stderr]).toEqual([1, expect.stringContaining(message)]);
  },
  30_000,
);

test('the command oneway staging run, which requests a staging database, refuses an unknown staging environment', () => {
  const said = openTerminal(world)('production', ['staging', 'run', '--environment', 'Lab']);
  expect([said.status, said.stderr]).toEqual([
    1,
    expect.stringContaining('There is no staging environment “Lab”'),
  ]);
}, 30_000);
