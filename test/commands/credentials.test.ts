// Tests API credentials on the command line.
import { beforeAll, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import type { Credential, Issued } from '../../src/access/credentials.ts';
import { verifyToken } from '../../src/access/verification.ts';
import { json, openTerminal } from '../support/command.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let type: ReturnType<typeof openTerminal>;
beforeAll(() => {
  type = openTerminal(world);
});

const run = (...words: string[]) =>
  type('staging', ['credentials', ...words], { also: { CREDENTIALS_KEY: '' } });

test('an API credential can be created, rotated, listed and revoked on the command line', async () => {
  const check = async ({ secret }: Issued) =>
    (await verifyToken(world.staging.sql, 'bearer', secret)).refused;
  const made = run('create', '--name', 'Android app', '--scope', 'catalog:task', '--json');
  expect([made.status, made.stderr]).toEqual([0, '']);
  const former = json<Issued>(made);
  const id = String(former.credential);
  const next = json<Issued>(run('rotate', id, '--grace', '1', '--json'));
  expect([await check(former), await check(next)]).toEqual([null, null]);
  const listed = run('--json');
  expect(json<Credential[]>(listed)).toMatchObject([
    { name: 'Android app', keys: [{ state: 'valid' }, { state: 'expiring' }] },
  ]);
  expect(listed.stdout).not.toContain(next.secret);
  expect(run('revoke', id).status).toBe(0);
  expect(await check(next)).toBe('revoked');
}, 60_000);

test.each([
  ['an unknown kind', ['create', '--name', 'A', '--scope', 'catalog:*', '--kind', 'other'], 2],
  ['a wrong scope', ['create', '--name', 'A', '--scope', '*'], 1],
  [
    'a wrong expiry date',
    ['create', '--name', 'A', '--scope', 'catalog:*', '--expires', 'soon'],
    2,
  ],
  ['a credential that does not exist', ['revoke', '12'], 1],
  ['a HAWK key without CREDENTIALS_KEY', ['create', ...hawk()], 1],
])(
  'the command “oneway credentials” refuses %s',
  (_what, words, status) => {
    expect(run(...words).status).toBe(status);
  },
  30_000,
);

function hawk() {
  return ['--name', 'Prices client', '--scope', 'dataset:*', '--kind', 'hawk', '--json'];
}

test('HAWK secrets can be encrypted again with a new CREDENTIALS_KEY on the command line', () => {
  const [old, next] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  const runWith = (also: Record<string, string>, ...words: string[]) =>
    type('staging', ['credentials', ...words], { also });
  const made = runWith({ CREDENTIALS_KEY: old }, 'create', ...hawk());
  expect(json<Issued>(made).publicPart).toMatch(/^owh_/);
  expect(runWith({ CREDENTIALS_KEY: next }, 'encrypt-again').status).toBe(1);
  const both = { CREDENTIALS_KEY: next, CREDENTIALS_KEY_PREVIOUS: old };
  expect(runWith(both, 'encrypt-again').stdout).toContain('1 secrets');
  expect(runWith({ CREDENTIALS_KEY: next }, 'encrypt-again').stdout).toContain('0 secrets');
}, 60_000);
