import { expect, test } from 'vitest';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runJob } from '../../src/jobs/runner.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { tasks } from '../../src/tasks.ts';
import { useSite } from '../support/people.ts';
import { fill } from '../support/sample.ts';
import { openWorld, useWorld } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'oneway-backups-'));
mkdirSync(join(folder, 'dev-backups'));

const world = useWorld({
  open: () =>
    openWorld(undefined, ({ production }) => {
      production['BACKUPS_URL'] = `file://${folder}`;
      production['BACKUPS_CLIENT'] = 'cosmos';
    }),
});
const site = useSite(world, 'production');

test('an administrator takes a backup on the backups page and finds it in the list', async () => {
  await fill(world);
  const ops = await site.as('ops');
  expect((await ops.get('/backups')).text).toContain('No backups yet.');
  const answer = await ops.post('/backups', {});
  expect(answer.headers['location']).toMatch(/^\/jobs\/\d+$/);
  const [job] = await jobs.newest(world.production.sql, 'backup');
  await runJob(world.production, tasks, job?.id ?? '');
  const page = await ops.get(String(answer.headers['location']));
  expect(page.text).toContain('Every file was read back and is whole.');
  expect((await ops.get('/backups')).text).toMatch(/<code>\d{4}-\d\d-\d\dT/);
});
