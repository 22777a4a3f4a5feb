// Tests faults around staging databases: a process that dies during a drop, a database of an older version, a
// production server that refuses callbacks, and encrypted backups.
import { beforeEach, describe, expect, test } from 'vitest';
import { createServer, type Server } from 'node:http';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { MongoClient } from 'mongodb';
import { run, sql } from '../../src/database/sql.ts';
import { deliver } from '../../src/messages/delivery.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { requestBackup } from '../../src/backups/job.ts';
import { openApp } from '../../src/environments/app.ts';
import * as copies from '../../src/staging/copies.ts';
import { withCopy } from '../../src/staging/databases.ts';
import { followJobs } from '../../src/staging/follow.ts';
import { tasks } from '../../src/tasks.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { readVersion, writeVersion } from '../../src/version/metadata.ts';
import { openSite, textOf } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { newBucket } from '../support/storage.ts';
import { backUp, build, client, copyOf, databasesThere, useCopies } from '../support/staging.ts';
import { servers, settingsOf } from '../support/world.ts';

const world = useCopies();
const name = `${client}-lab_trial`;

beforeEach(async () => {
  await add(world.production, 'form', { name: 'Visit' });
});

describe('drops of staging databases whose process was killed', () => {
  test.each([
    ['before it dropped a database', false],
    ['after it dropped only the MongoDB database', true],
  ])(
    'S1-87 when the process that drops a staging database was killed %s, another process finishes the drop within two minutes',
    async (_when, isHalf) => {
      await backUp(world.production);
      const copy = await build(world.staging);
      if (isHalf) {
        const mongo = new MongoClient(servers().mongo.href);
        await mongo.db(name).dropDatabase();
        await mongo.close();
      }
      await run(
        world.staging.sql,
        sql`update database_copy
             set state = 'dropping', ended_by = 'sam@example.com',
                 changed_at = utc_timestamp(3) - interval 2 minute`,
      );
      await followJobs(world.staging);
      expect(await copyOf(world.staging, copy.id)).toMatchObject({
        state: 'dropped',
        ended_by: 'sam@example.com',
      });
      expect(await databasesThere()).toEqual({ mysql: [], mongo: [] });
    },
  );
});

test('J-2 a staging database that an older version of Oneway has made cannot be opened until a job has updated it', async () => {
  await backUp(world.production);
  const copy = await build(world.staging);
  await withCopy(world.staging, copy, ({ documents }) =>
    writeVersion(documents, { databaseVersion: '1.5.0', isUpdating: false }),
  );
  await run(world.staging.sql, sql`update database_copy set version = '1.5.0'`);
  const site = await openSite(world, 'staging');
  const sam = await site.as('sam');
  await sam.post(`/databases/${name}/opening`);
  const refused = await sam.get('/catalog/form');
  expect([refused.status, refused.headers['location']]).toEqual([303, '/databases']);
  const page = textOf((await sam.get('/databases')).text);
  expect(page).toMatch(/cannot be opened: The database is at version 1\.5\.0/);
  expect(page).toContain('Bring up to date');
  await sam.post(`/databases/${name}/update`);
  const [job] = await jobs.newest(world.staging.sql, 'copy-update', 1);
  await runJob(world.staging, tasks, job?.id ?? '');
  expect(await copyOf(world.staging, copy.id)).toMatchObject({
    state: 'ready',
    version: currentVersion(),
  });
  await withCopy(world.staging, copy, async ({ documents }) =>
    expect(await readVersion(documents)).toMatchObject({ databaseVersion: currentVersion() }),
  );
  await site.close();
}, 60_000);

describe('callbacks about staging databases that the production server refuses', () => {
  let answers: number[];
  let asked = 0;
  let there: Server;
  beforeEach(async () => {
    asked = 0;
    there = createServer((req, res) => {
      asked += 1;
      req.resume();
      res.writeHead(answers.shift() ?? 204).end();
    });
    await new Promise<void>((resolve) => there.listen(0, '127.0.0.1', resolve));
    await backUp(world.production);
  });

  test.each([
    ['repeated after an answer with a 5xx status', [500, 503], 3],
    ['not repeated after an answer with the status 404', [404], 1],
  ])(
    'S1-88 the HTTP callback with which staging reports a ready database to production is %s',
    async (_what, given, times) => {
      answers = [...given];
      const { port } = there.address() as { port: number };
      const callback = { url: `http://127.0.0.1:${port}/bridge/callbacks`, key: 'k'.repeat(43) };
      await build(world.staging, { callback });
      for (let round = 0; round < 5; round += 1) {
        await run(world.staging.sql, sql`update outbox set next_at = utc_timestamp(3)`);
        await deliver(world.staging);
      }
      expect(asked).toBe(times);
      there.close();
    },
  );
});

test('S1-13 a staging database can be built from a backup in a bucket of an S3 server', async () => {
  const { bucket, endpoint, keys } = await newBucket('');
  const also = {
    BACKUPS_URL: `${endpoint}?region=us-east-1`,
    BACKUPS_MINIO_BUCKET: bucket,
    BACKUPS_ACCESS_KEY_ID: keys?.id ?? '',
    BACKUPS_SECRET_ACCESS_KEY: keys?.secret ?? '',
  };
  const production = openApp(settingsOf(world.variables.production, also));
  const staging = openApp(settingsOf(world.variables.staging, also));
  const { job } = await requestBackup(production, 'ops@example.com');
  expect((await runJob(production, tasks, job.id))?.state).toBe('done');
  const copy = await build(staging);
  expect(copy).toMatchObject({ state: 'ready', name });
  expect(await copies.countSlots(staging.sql)).toBe(1);
  await Promise.all([production.close(), staging.close()]);
});

describe('staging databases from encrypted backups', () => {
  test('a staging database is built from an encrypted backup if the settings contain the private key; otherwise the job fails and names the missing setting', async () => {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const production = openApp(
      settingsOf(world.variables.production, { BACKUPS_RECIPIENT: recipient }),
    );
    const { job } = await requestBackup(production, 'ops@example.com');
    expect((await runJob(production, tasks, job.id))?.state).toBe('done');
    await production.close();

    const without = await build(world.staging, { suffix: 'without' });
    await followJobs(world.staging);
    expect((await copyOf(world.staging, without.id)).problem).toMatch(/Set BACKUPS_IDENTITY/);

    const staging = openApp(settingsOf(world.variables.staging, { BACKUPS_IDENTITY: identity }));
    expect(await build(staging)).toMatchObject({ state: 'ready' });
    await staging.close();
  });
});
