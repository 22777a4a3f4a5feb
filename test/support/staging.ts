// Staging databases for tests: production takes backups into a folder, and staging makes databases (copies) from them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach } from 'vitest';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import { v7 as uuid } from 'uuid';
import { prepareCopies } from '../../bin/databases.ts';
import { requestBackup } from '../../src/backups/job.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import type { App } from '../../src/environments/app.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { accept, type OrderRequest } from '../../src/staging/accept.ts';
import * as copies from '../../src/staging/copies.ts';
import type { Copy } from '../../src/staging/copies.ts';
import { dropDatabases } from '../../src/staging/databases.ts';
import { select, sql } from '../../src/database/sql.ts';
import { Unavailable } from '../../src/problems.ts';
import { tasks } from '../../src/tasks.ts';
import { silence, until } from './jobs.ts';
import { fill } from './sample.ts';
import { openWorld, servers, useWorld, type World } from './world.ts';

const worker = process.env['VITEST_POOL_ID'] ?? '0';

/** The client (company) of this test worker, so that the staging databases of two workers have different names. */
export const client = `client${worker}`;

/**
 * Opens three environments: production takes backups, staging makes staging databases. `also`: further settings of
 * staging.
 */
export function useCopies(
  also: Record<string, string> = {},
  cleared: 'before each test' | 'once' = 'before each test',
): World & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'oneway-copies-'));
  mkdirSync(join(folder, 'dev-backups'));
  const world = useWorld({
    cleared,
    open: async () => {
      const settings = await prepareCopies(servers(), `t${worker}`);
      const opened = await openWorld(`t${worker}`, ({ staging, production }) => {
        Object.assign(staging, settings, also);
        staging['BACKUPS_URL'] = pathToFileURL(folder).href;
        production['BACKUPS_URL'] = pathToFileURL(folder).href;
        production['BACKUPS_CLIENT'] = client;
      });
      opened.onClose(() => dropCopies(opened.staging));
      return opened;
    },
  });
  if (cleared === 'before each test') {
    afterEach(async () => {
      await dropCopies(world.staging);
      // Two backups of a client must not begin in the same second, so earlier backups are deleted.
      rmSync(join(folder, 'dev-backups', client), { recursive: true, force: true });
    });
  }
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return Object.assign(world, { folder });
}

/** Drops the databases of every copy (staging database) that a test has made. */
export async function dropCopies(here: App) {
  const left = await select<Copy>(here.sql, sql`select * from database_copy`);
  for (const copy of left) {
    await dropDatabases(here, { ...copy, is_creating: 1 }).catch(() => {});
  }
}

/** Adds rows of every type in pre-production, and transfers most of them to production. */
export const fillProduction = (world: World) =>
  fill({ ...world, staging: world.preprod, preprod: world.production });

/** Takes a backup of production, as its nightly job does. */
export async function backUp(production: App): Promise<void> {
  const { job } = await requestBackup(production, 'ops@example.com');
  const ended = await runJob(production, tasks, job.id);
  if (ended?.state !== 'done') throw new Error(`The backup ended: ${ended?.problem}`);
}

/** Lists the staging databases of this test worker on the MySQL and MongoDB servers, as an administrator sees them. */
export async function databasesThere(): Promise<{ mysql: string[]; mongo: string[] }> {
  const { mysql, mongo } = servers();
  const root = await createConnection({ uri: mysql.href });
  const [lines] = await root.query(`SHOW DATABASES LIKE '${client}-%'`);
  await root.end();
  const there = new MongoClient(mongo.href);
  const { databases } = await there.db().admin().listDatabases();
  await there.close();
  const names = (lines as Record<string, string>[]).flatMap((line) => Object.values(line));
  return {
    mysql: names.toSorted(),
    mongo: databases
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`${client}-`))
      .toSorted(),
  };
}

export const wanted = (also: Partial<OrderRequest> = {}): OrderRequest => ({
  order: uuid(),
  client,
  level: 'lab',
  timestamp: false,
  suffix: 'trial',
  replace: false,
  person: 'sam@example.com',
  callback: null,
  ...also,
});

/** Accepts an order of a staging database, builds the database, and returns its record. */
export async function build(staging: App, also: Partial<OrderRequest> = {}): Promise<Copy> {
  const order = wanted(also);
  const { job } = await accept(staging, order);
  if (!job) throw new Error('It was ordered before');
  await runJob(staging, tasks, job.id);
  return copyOf(staging, order.order);
}

/**
 * Builds a staging database in two attempts: the first hangs at a failpoint (a named step of the build), as if its
 * process had been killed there, and the second completes the database. Returns its record.
 */
export async function buildKilledAt(staging: App, point: string): Promise<Copy> {
  const order = wanted();
  const { job } = await accept(staging, order);
  const id = job?.id ?? '';
  let bury: (() => void) | undefined;
  failpoints.reached = (reached) => {
    if (reached !== point || bury) return;
    // The attempt waits at this failpoint and records no failure, as if its process had been killed.
    return new Promise((_resolve, reject) => {
      bury = () => reject(new Unavailable('The process was killed'));
    });
  };
  void runJob(staging, tasks, id);
  await until(async () => bury);
  await silence(staging, id);
  await runJob(staging, tasks, id);
  failpoints.reached = () => {};
  bury?.();
  return copyOf(staging, order.order);
}

export async function copyOf(staging: App, id: string): Promise<Copy> {
  const copy = await copies.byId(staging.sql, id);
  if (!copy) throw new Error('There is no such copy');
  return copy;
}

export const jobOf = (staging: App, { job }: Copy) => jobs.byId(staging.sql, job ?? '');
