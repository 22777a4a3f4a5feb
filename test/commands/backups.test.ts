// Tests backups on the command line: taken in staging, and restored into the empty databases of production.
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupReport } from '../../src/backups/job.ts';
import type { ListedBackup } from '../../src/backups/list.ts';
import { contents } from '../support/checker.ts';
import { json, openTerminal } from '../support/command.ts';
import { fill } from '../support/sample.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let type: ReturnType<typeof openTerminal>;
let also: Record<string, string>;
beforeAll(() => {
  type = openTerminal(world);
});
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'oneway-backups-'));
  await mkdir(join(folder, 'dev-backups'));
  also = { BACKUPS_URL: `file://${folder}` };
});

test('S1-13 a backup can be taken, listed, verified and restored on the command line', async () => {
  await fill(world);
  const own = { also: { ...also, BACKUPS_CLIENT: 'cosmos' } };
  const taken = type('staging', ['backup', 'now', '--json'], own);
  expect([taken.status, taken.stderr]).toEqual([0, '']);
  const { time, rows } = json<BackupReport>(taken);
  const listed = json<ListedBackup[]>(type('staging', ['backup', 'list', '--json'], own));
  expect(listed).toMatchObject([{ client: 'cosmos', time, rows, isEncrypted: false }]);
  expect(type('staging', ['backup', 'verify'], own).stdout).toContain(`Backup ${time} is whole`);
  const restored = type('production', ['backup', 'restore', '--client', 'cosmos', '--yes'], {
    also,
  });
  expect([restored.status, restored.stderr]).toEqual([0, '']);
  expect(await contents(world.production)).toEqual(await contents(world.staging));
  const again = type('production', ['backup', 'restore', '--client', 'cosmos', '--yes'], { also });
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('has rows')]);
}, 60_000);

test.each([
  ['now without a client', ['now'], {}, 'Set BACKUPS_CLIENT'],
  ['list without a store', ['list', '--client', 'cosmos'], { BACKUPS_URL: '' }, 'Set BACKUPS_URL'],
  ['verify without a backup', ['verify', '--client', 'cosmos'], {}, 'no backups of cosmos'],
  [
    'restore of a wrong time',
    ['restore', 'yesterday', '--client', 'cosmos'],
    {},
    'is not the time',
  ],
])(
  'the command “oneway backup” fails (%s) and says what to do',
  (_what, words, variables, message) => {
    const said = type('staging', ['backup', ...words], { also: { ...also, ...variables } });
    expect([said.status, said.stderr]).toEqual([1, expect.stringContaining(message)]);
  },
  30_000,
);
