// Tests interrupted builds of staging databases: the next attempt builds a complete database, or the job fails and
// leaves no database behind.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readdir, rename, writeFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, sql } from '../../src/database/sql.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { Unavailable } from '../../src/problems.ts';
import { accept } from '../../src/staging/accept.ts';
import * as copies from '../../src/staging/copies.ts';
import { followJobs } from '../../src/staging/follow.ts';
import { tasks } from '../../src/tasks.ts';
import { add } from '../support/rows.ts';
import {
  backUp,
  buildKilledAt,
  databasesThere,
  build,
  client,
  copyOf,
  jobOf,
  useCopies,
  wanted,
} from '../support/staging.ts';

const world = useCopies();
const name = `${client}-lab_trial`;
const anyDatabase = async () => (await databasesThere()).mysql[0];

beforeEach(async () => {
  await add(world.production, 'form', { name: 'Visit' });
  await backUp(world.production);
});
afterEach(() => {
  failpoints.reached = () => {};
});

const points = ['copy cleaned', 'copy has room', 'copy creating', 'copy created', 'copy loaded'];

test.each(points)(
  'S1-87 when the build of a staging database is killed at the step “%s”, the next attempt builds a complete database',
  async (point) => {
    expect(await buildKilledAt(world.staging, point)).toMatchObject({ state: 'ready' });
  },
);

describe('builds of staging databases that cannot succeed', () => {
  /**
   * Runs all attempts of a job that cannot build its staging database. Then does the periodic work that marks staging
   * databases without a running job as failed.
   */
  async function buildInVain() {
    const copy = await build(world.staging);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await run(
        world.staging.sql,
        sql`update job set run_at = utc_timestamp(3) where state = 'waiting'`,
      );
      await runJob(world.staging, tasks, copy.job ?? '');
    }
    await followJobs(world.staging);
    const job = await jobOf(world.staging, copy);
    return { copy: await copyOf(world.staging, copy.id), job };
  }

  async function folderOfBackup() {
    const below = join(world.folder, 'dev-backups', client);
    const [time = ''] = (await readdir(below))
      .filter((one) => /^\d{4}-/.test(one))
      .toSorted()
      .toReversed();
    return join(below, time);
  }

  test('S1-50 when a byte of the backup was altered, the build of a staging database fails, names the altered file and leaves no database behind', async () => {
    const folder = await folderOfBackup();
    const file = (await readdir(folder)).find((one) => one.startsWith('form.bson')) ?? '';
    const bytes = await readFile(join(folder, file));
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    await writeFile(join(folder, file), bytes);
    const { copy, job } = await buildInVain();
    expect([copy.state, job?.state]).toEqual(['failed', 'failed']);
    expect(copy.problem).toMatch(/form\.bson\.zst was altered since the backup was taken/);
    expect(await anyDatabase()).toBeUndefined();
    expect(await copies.countSlots(world.staging.sql)).toBe(0);
  });

  test('S1-50 when the backup store is unreachable, the build of a staging database is tried again, then fails and no longer counts against the limit', async () => {
    const store = join(world.folder, 'dev-backups');
    const order = wanted();
    const { job } = await accept(world.staging, order);
    await rename(store, `${store}-away`);
    try {
      for (let attempt = 0; attempt < 4; attempt += 1) {
        await run(
          world.staging.sql,
          sql`update job set run_at = utc_timestamp(3) where state = 'waiting'`,
        );
        await runJob(world.staging, tasks, job?.id ?? '');
      }
      await followJobs(world.staging);
      expect(await copyOf(world.staging, order.order)).toMatchObject({ state: 'failed' });
      expect(await copies.countSlots(world.staging.sql)).toBe(0);
    } finally {
      await rm(store, { recursive: true, force: true });
      await rename(`${store}-away`, store);
    }
  });

  test('S1-50 when MySQL reports that a table is full, the build of a staging database fails with an explanation and leaves no database behind', async () => {
    failpoints.reached = (point) => {
      if (point !== 'copy loading') return;
      throw Object.assign(new Error('The table is full'), {
        code: 'ER_RECORD_FILE_FULL',
        errno: 1114,
      });
    };
    const { copy } = await buildInVain();
    expect(copy.state).toBe('failed');
    expect(copy.problem).toMatch(/no room/);
    expect(await anyDatabase()).toBeUndefined();
  });

  test('when the job that builds a staging database is cancelled, the staging database fails and shows who cancelled the job', async () => {
    const order = wanted();
    await accept(world.staging, order);
    await run(
      world.staging.sql,
      sql`update job set state = 'cancelled', cancelled_by = 'sam@example.com', ended_at = utc_timestamp(3)`,
    );
    await followJobs(world.staging);
    const copy = await copyOf(world.staging, order.order);
    expect([copy.state, copy.problem]).toEqual(['failed', 'Cancelled by sam@example.com.']);
  });

  test('a staging database stays ready when the build of the database that should replace it fails', async () => {
    const former = await build(world.staging);
    failpoints.reached = (point) => {
      if (point === 'copy cleaned') throw new Unavailable('The server is away');
    };
    const order = wanted({ replace: true });
    const { job } = await accept(world.staging, order);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await run(
        world.staging.sql,
        sql`update job set run_at = utc_timestamp(3) where state = 'waiting'`,
      );
      await runJob(world.staging, tasks, job?.id ?? '');
    }
    failpoints.reached = () => {};
    await followJobs(world.staging);
    expect(await copyOf(world.staging, order.order)).toMatchObject({ state: 'failed' });
    expect(await copies.named(world.staging.sql, name)).toMatchObject({
      id: former.id,
      state: 'ready',
    });
  });
});
