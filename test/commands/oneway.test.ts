// Tests the command line of one environment, as an engineer uses it: each command runs as a separate process.
import { expect, test } from 'vitest';
import { Command } from 'commander';
import { spawnSync } from 'node:child_process';
import { readVersion } from '../../src/version/metadata.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { files } from '../../src/commands/files.ts';
import { setUpdating } from '../../src/release/upgrade.ts';
import { opened } from '../../src/people/invitations.ts';
import * as people from '../../src/people/people.ts';
import { surroundings } from '../support/left-behind.ts';
import { add, change, has } from '../support/rows.ts';
import { password } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const oneway = (name: 'staging' | 'preprod' | 'production', words: string[], input = '') =>
  spawnSync(process.execPath, ['src/commands/oneway.ts', ...words], {
    env: { ...surroundings(), ...world.variables[name] },
    encoding: 'utf8',
    input,
  });

test('S0-73 J-7 the command oneway refresh copies production’s rows to pre-production and lists the rows that it skipped', async () => {
  const id = await add(world.production, 'form', { name: 'Address change' });
  const first = oneway('preprod', ['refresh']);
  expect([first.status, first.stdout]).toEqual([
    0,
    'Forms: 1 of 1\n1 created, 0 updated, 0 the same already.\n',
  ]);
  expect(await has(world.preprod, { entity: 'form', id })).toBe(true);
  await change(world.preprod, { entity: 'form', id }, { description: 'Mended here' });
  expect(oneway('preprod', ['refresh']).stdout).toContain('changed here by pm@example.com');
});

test('the command oneway refresh is refused in production, which has no environment to copy from', () => {
  const { status, stderr } = oneway('production', ['refresh']);
  expect(status).toBe(1);
  expect(stderr).toContain('REFRESH_SOURCE_* is not set');
});

test('S3-55 the command oneway db migrate stores the version of the database if it is missing in the collection metadata', async () => {
  await world.staging.documents.collection('metadata').deleteMany({});
  const { status, stdout } = oneway('staging', ['db', 'migrate']);
  expect([status, stdout]).toEqual([0, `Staging is at version ${currentVersion()}.\n`]);
  expect(await readVersion(world.staging.documents)).toEqual({
    databaseVersion: currentVersion(),
    isUpdating: false,
  });
});

test('the command oneway people add reads the password from standard input and checks it', async () => {
  const words = ['people', 'add', '--name', 'Ana', '--email', 'ana@example.com'];
  const short = oneway('staging', words, 'short\n');
  expect([short.status, short.stderr.trim()]).toEqual([
    1,
    'Password must have 12 characters or more',
  ]);
  const added = oneway('staging', [...words, '--permissions', 'editor'], `${password}\n`);
  expect(added.status).toBe(0);
  const [ana] = await people.list(world.staging.sql);
  expect(ana).toMatchObject({ email: 'ana@example.com', permissions: ['editor'] });
});

test('the command oneway people add prints an invitation when it gets no password (B5)', async () => {
  const words = ['people', 'add', '--name', 'Ben', '--email', 'ben@example.com'];
  const { status, stdout } = oneway('staging', words);
  expect(status).toBe(0);
  const [, token = ''] = /\/invitation\?token=([\w-]+)/.exec(stdout) ?? [];
  expect(await opened(world.staging.sql, token)).toMatchObject({
    person: { email: 'ben@example.com' },
    kind: 'invitation',
  });
});

test('a command exits with 2 after wrong usage, 3 while the database is marked as being updated, and 4 when compared rows differ', async () => {
  const id = await add(world.staging, 'form', { name: 'Address change' });
  expect(oneway('staging', ['diff', `form:${id}`]).status).toBe(4);
  expect(oneway('staging', ['diff']).status).toBe(2);
  await setUpdating(world.staging, currentVersion());
  expect(oneway('staging', ['diff', `form:${id}`]).status).toBe(3);
});

test('each command is defined in the file that the command line loads for it, and in no other file', async () => {
  for (const { words, load } of files) {
    const program = new Command();
    (await load())(program);
    expect(program.commands.map((command) => command.name()).toSorted()).toEqual(words.toSorted());
  }
  const all = files.flatMap(({ words }) => words);
  expect(new Set(all).size).toBe(all.length);
});
