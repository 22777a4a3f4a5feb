// Kills a process at one step of its work on staging databases. Other processes must then finish the work, and nothing
// may be left over, half built or still running. STAGING_KILLS sets the number of kills, for example 200.
import { beforeEach, expect, test } from 'vitest';
import { compareWithBackup } from '../../src/backups/compare.ts';
import { requestBackup } from '../../src/backups/job.ts';
import { readManifest, timesOf } from '../../src/backups/manifest.ts';
import { verifyBackup } from '../../src/backups/verify.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { accept } from '../../src/staging/accept.ts';
import type { Copy } from '../../src/staging/copies.ts';
import { withCopy } from '../../src/staging/databases.ts';
import * as environments from '../../src/staging/environments.ts';
import { requestRestoreTest } from '../../src/staging/restore-test-request.ts';
import * as stagingJobs from '../../src/staging/staging-jobs.ts';
import { folderObjects } from '../../src/storage/folder.ts';
import { tasks } from '../../src/tasks.ts';
import type { App } from '../../src/environments/app.ts';
import { silence } from '../support/jobs.ts';
import { killedAt } from '../support/killing.ts';
import { useOrdering } from '../support/ordering.ts';
import { add } from '../support/rows.ts';
import {
  backUp,
  build,
  client,
  databasesThere,
  dropCopies,
  useCopies,
  wanted,
} from '../support/staging.ts';
import type { Task } from '../support/worker.ts';

const world = useCopies();
const both = useOrdering(world);
const target = Number(process.env['STAGING_KILLS'] ?? 8);

beforeEach(async () => {
  for (const title of ['One', 'Two']) await add(world.production, 'form', { name: title });
  await backUp(world.production);
});

type Work = { of: App; variables: Record<string, string>; task: Task };

const inStaging = (task: Task): Work => ({
  of: world.staging,
  variables: world.variables.staging,
  task,
});

const scenarios: Record<string, () => Promise<Work>> = {
  'a build': async () => {
    const { job } = await accept(world.staging, wanted());
    return inStaging({ do: 'job', id: job?.id ?? '' });
  },
  'a build that replaces a database': async () => {
    await build(world.staging);
    const { job } = await accept(world.staging, wanted({ replace: true }));
    return inStaging({ do: 'job', id: job?.id ?? '' });
  },
  'taking the tested copy': async () => {
    const tested = await requestRestoreTest(world.staging.sql, client);
    await runJob(world.staging, tasks, tested.job.id);
    const { job } = await accept(world.staging, wanted());
    return inStaging({ do: 'job', id: job?.id ?? '' });
  },
  'a restore test': async () => {
    const { job } = await requestRestoreTest(world.staging.sql, client);
    return inStaging({ do: 'job', id: job.id });
  },
  'a drop': async () => inStaging({ do: 'drop', copy: (await build(world.staging)).id }),
  'a backup': async () => {
    const { job } = await requestBackup(world.production, 'ops@example.com');
    const { production } = world.variables;
    return { of: world.production, variables: production, task: { do: 'job', id: job.id } };
  },
  'a click on Run': async () => {
    const { production, servers: at } = both.now;
    const lab = await environments.add(production, 'ops@example.com', {
      name: 'Lab',
      url: at.urls.staging,
      client,
      level: 'lab',
      token: world.variables.staging['NUMIKUBE_STAGING_TOKEN'] ?? '',
    });
    const fields = { type: 'new', environment: String(lab), suffix: 'trial' };
    const number = await stagingJobs.add(production, 'sam@example.com', fields);
    const variables = world.variables.production;
    return { of: world.production, variables, task: { do: 'order', number } };
  },
};

/** Does the work of the other processes after one process was killed, until no work is left. */
async function settle({ of, task }: Work) {
  if (task.do === 'job') {
    await silence(of, task.id);
    await runJob(of, tasks, task.id);
  }
  for (let round = 0; round < 60; round += 1) {
    await run(
      world.staging.sql,
      sql`update database_copy set changed_at = changed_at - interval 2 minute where state = 'dropping'`,
    );
    await both.now.chores();
    if ((await unsettled()) === 0) return;
    await new Promise((go) => setTimeout(go, 200));
  }
}

async function unsettled(): Promise<number> {
  const lines = [
    ...(await select(
      world.staging.sql,
      sql`select id from database_copy where state in ('building', 'updating', 'dropping')`,
    )),
    ...(await select(
      world.production.sql,
      sql`select id from staging_order where state in ('asking', 'running')`,
    )),
    ...(await select(world.staging.sql, sql`select id from job where state = 'running'`)),
    ...(await select(world.production.sql, sql`select id from job where state = 'running'`)),
  ];
  return lines.length;
}

/**
 * Checks backups and staging databases after all work is finished. Returns one text for each fault.
 */
async function findings(): Promise<string[]> {
  const found: string[] = [];
  if ((await unsettled()) > 0) found.push('something is still running');
  const store = folderObjects(`${world.folder}/dev-backups`);
  const source = { store, identity: null };
  const times = await timesOf(store, client);
  for (const time of times) {
    const manifest = await readManifest(store, { client, time });
    await verifyBackup(source, manifest).catch(() => found.push(`backup ${time} is not whole`));
  }
  const live = await select<Copy>(
    world.staging.sql,
    sql`select * from database_copy where ended_at is null`,
  );
  for (const copy of live) {
    const manifest = await readManifest(store, { client, time: copy.backup });
    await withCopy(world.staging, copy, (environment) =>
      compareWithBackup(environment, manifest),
    ).catch(() => found.push(`${copy.name} is not what was backed up`));
  }
  const there = await databasesThere();
  const mysql = live.map(({ name }) => name).toSorted();
  const mongo = live.map(({ documents_name: name }) => name).toSorted();
  if (there.mysql.join() !== mysql.join()) found.push(`in MySQL: ${there.mysql.join(' ')}`);
  if (there.mongo.join() !== mongo.join()) found.push(`in MongoDB: ${there.mongo.join(' ')}`);
  return found;
}

const each = Object.entries(scenarios);
let kills = 0;

test.each(each)(
  'S1-85 S1-87 when a process is killed during “%s”, other processes finish the work, and no staging database is half built or left over',
  async (name, scenario) => {
    const most = Math.max(1, Math.round(target / each.length));
    // If `most` is 1, each scenario is killed once: a build while it loads rows, any other at its second step. If
    // `most` is greater, each scenario is run and killed up to `most` times: first at its first step, then at its
    // second step, and so on.
    for (let kill = 1; kill <= most; kill += 1) {
      if (kill > 1) {
        await dropCopies(world.staging);
        await world.clear();
        for (const title of ['One', 'Two']) await add(world.production, 'form', { name: title });
      }
      const work = await scenario();
      const isSample = most === 1;
      const times = isSample && name !== 'a build' ? 2 : kill;
      const point = isSample && name === 'a build' ? 'copy loading' : 'any';
      const wasKilled = await killedAt(work.variables, work.task, { point, times });
      await settle(work);
      expect({ name, times, found: await findings() }).toEqual({ name, times, found: [] });
      kills += wasKilled ? 1 : 0;
      if (!wasKilled) return;
    }
  },
  600_000,
);

test('the tests that kill processes during work on staging databases have really killed processes', () => {
  expect(kills).toBeGreaterThan(each.length / 2);
});
