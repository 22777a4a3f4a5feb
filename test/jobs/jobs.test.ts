// Background jobs: the record in MySQL, the queue on Redis, workers that die, and the pages.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { openApp, openRedis, type App, type Redis } from '../../src/environments/app.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { startChores } from '../../src/jobs/chores.ts';
import { openQueue, sweep, startWorker } from '../../src/jobs/queue.ts';
import { runJob, task, type Tasks } from '../../src/jobs/run.ts';
import { run, sql } from '../../src/database/sql.ts';
import { readImage } from '../../src/storage/images.ts';
import { Unavailable } from '../../src/problems.ts';
import { jobKeyOf } from '../../src/transfers/job.ts';
import * as transfers from '../../src/transfers/send.ts';
import { tasks } from '../../src/tasks.ts';
import { writeVersion } from '../../src/version/metadata.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, get, routeFrom, sheet } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let redis: Redis;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await openRedis(world.staging);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => redis.destroy());

const count = (seen: number[]): Tasks => ({
  count: task(z.object({ number: z.number() }), {
    ...{ label: 'Count', attempts: 3, mayBeCancelled: true },
    run: async ({ report }, { number }) => {
      seen.push(number);
      await report({ done: 1, total: 2, doing: 'Counting' });
      return { number };
    },
  }),
});
const wanted = { kind: 'count', name: 'Counting', person: 'pm@example.com', input: { number: 7 } };

async function ended(id: string, patience = 20_000) {
  for (const until = Date.now() + patience; Date.now() < until; await sleep(50)) {
    const job = await jobs.byId(world.staging.sql, id);
    if (job && ['done', 'failed', 'cancelled'].includes(job.state)) return job;
  }
  throw new Error('The job did not end');
}

/** Makes the worker of a job look stalled for a minute. */
const silence = (id: string) =>
  run(
    world.staging.sql,
    sql`update job set alive_at = utc_timestamp(3) - interval 60 second where id = ${id}`,
  );

describe('jobs', () => {
  test('a job is stored, runs on the queue, and keeps its report', async () => {
    const { staging } = world;
    const seen: number[] = [];
    closers.push(startWorker(staging, redis, count(seen)));
    const { job } = await jobs.request(staging.sql, wanted);
    await openQueue(staging, redis).push(job);
    expect(await ended(job.id)).toMatchObject({
      ...{ state: 'done', report: '{"number":7}', attempt: 1, done_count: 2 },
    });
    expect(seen).toEqual([7]);
  });

  test('requeues jobs after Redis loses its data while a worker waits', async () => {
    const { staging } = world;
    const seen: number[] = [];
    const own = await openRedis(staging);
    const line = openQueue(staging, own);
    const here = { ...staging, halt: new AbortController() };
    const { job } = await jobs.request(staging.sql, wanted);
    await line.push(job);
    await own.flushDb();
    closers.push(startWorker(staging, own, count(seen)));
    closers.push(
      startChores(here, [{ name: 'sweep', everyMs: 200, run: (one) => sweep(one, line) }]),
      () => own.destroy(),
    );
    await sleep(500);
    expect(seen).toEqual([]);
    await run(
      staging.sql,
      sql`update job set created_at = utc_timestamp(3) - interval 60 second where id = ${job.id}`,
    );
    expect(await ended(job.id)).toMatchObject({ state: 'done' });
    await own.flushDb();
    const second = await jobs.request(staging.sql, wanted);
    await run(
      staging.sql,
      sql`update job set created_at = utc_timestamp(3) - interval 60 second where id = ${second.job.id}`,
    );
    expect(await ended(second.job.id)).toMatchObject({ state: 'done' });
    here.halt.abort();
  });

  test('a worker leaves a job of an unknown kind to other workers', async () => {
    const { staging } = world;
    const { job } = await jobs.request(staging.sql, { ...wanted, kind: 'of next year' });
    expect(await runJob(staging, tasks, job.id)).toMatchObject({ state: 'waiting', attempt: 0 });
  });

  test('a job of a stalled worker is taken over, and the former worker stops at its next progress report', async () => {
    const { staging } = world;
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    const reports: string[] = [];
    const slow: Tasks = {
      count: task(z.object({}), {
        ...{ label: 'Slow', attempts: 3, mayBeCancelled: true },
        run: async ({ report, job }) => {
          if (job.attempt === 1) await waiting;
          await report({ done: 1, total: 1, doing: '' });
          reports.push(`attempt ${job.attempt}`);
          return null;
        },
      }),
    };
    const { job } = await jobs.request(staging.sql, wanted);
    const former = runJob(staging, slow, job.id);
    await sleep(100);
    await silence(job.id);
    expect(await runJob(staging, slow, job.id)).toMatchObject({ state: 'done', attempt: 2 });
    goOn();
    expect(await former).toMatchObject({ state: 'done', attempt: 2 });
    expect(reports).toEqual(['attempt 2']);
  });

  test('a job is retried while a server is unreachable, and finally fails with the reason', async () => {
    const { staging } = world;
    const broken: Tasks = {
      count: task(z.object({}), {
        ...{ label: 'Broken', attempts: 2, mayBeCancelled: true },
        run: () => Promise.reject(new Unavailable('Production does not answer')),
      }),
    };
    const { job } = await jobs.request(staging.sql, wanted);
    expect(await runJob(staging, broken, job.id)).toMatchObject({
      ...{ state: 'waiting', problem: 'Production does not answer' },
    });
    expect(await runJob(staging, broken, job.id)).toMatchObject({ state: 'failed', attempt: 2 });
  });

  test('two simultaneous requests for the same job create one job', async () => {
    const { staging } = world;
    const both = await Promise.all([
      jobs.request(staging.sql, { ...wanted, onlyOne: 'count' }),
      jobs.request(staging.sql, { ...wanted, onlyOne: 'count' }),
    ]);
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(both.map(({ job }) => job.id)).size).toBe(1);
    const [lines] = await staging.sql.query(
      `select count(*) as number from audit where action = 'asked for a job'`,
    );
    expect(lines).toEqual([{ number: 1 }]);
  });

  test('a cancelled job stops at its next progress report and does not run again', async () => {
    const { staging } = world;
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    const seen: string[] = [];
    const slow: Tasks = {
      count: task(z.object({}), {
        ...{ label: 'Slow', attempts: 3, mayBeCancelled: true },
        run: async ({ report }) => {
          await waiting;
          await report({ done: 1, total: 1, doing: '' });
          seen.push('went on');
        },
      }),
    };
    const { job } = await jobs.request(staging.sql, wanted);
    const running = runJob(staging, slow, job.id);
    await sleep(100);
    expect(await jobs.cancel(staging, job, 'pm@example.com')).toBe(true);
    // A second job must not start before the cancelled one has stopped.
    expect(await jobs.byId(staging.sql, job.id)).toMatchObject({ state: 'running' });
    expect(await jobs.cancel(staging, job, 'pm@example.com')).toBe(false);
    goOn();
    expect(await running).toMatchObject({ state: 'cancelled', attempt: 1 });
    expect(await runJob(staging, slow, job.id)).toMatchObject({ state: 'cancelled' });
    expect(seen).toEqual([]);
  });

  test('a cancelled job ends immediately while it is queued, and is not restarted when its worker has died', async () => {
    const { staging } = world;
    const seen: number[] = [];
    const { job } = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    await jobs.cancel(staging, job, 'pm@example.com');
    expect(await runJob(staging, count(seen), job.id)).toMatchObject({ state: 'cancelled' });
    const next = await jobs.request(staging.sql, { ...wanted, onlyOne: 'count' });
    expect(next.isNew).toBe(true);
    await jobs.begin(staging.sql, next.job.id);
    await jobs.cancel(staging, next.job, 'pm@example.com');
    await silence(next.job.id);
    expect(await runJob(staging, count(seen), next.job.id)).toMatchObject({ state: 'cancelled' });
    expect(seen).toEqual([]);
  });

  test('a job does not run while the database is being updated', async () => {
    const { staging } = world;
    await writeVersion(staging.documents, { databaseVersion: '1', isUpdating: true });
    const here = openApp(staging.settings);
    const seen: number[] = [];
    const { job } = await jobs.request(staging.sql, wanted);
    expect(await runJob(here, count(seen), job.id)).toMatchObject({ state: 'waiting' });
    expect(seen).toEqual([]);
    // Waiting for an update uses up no attempts.
    await staging.sql.query('update job set attempt = 50 where id = ?', [job.id]);
    expect(await runJob(here, count(seen), job.id)).toMatchObject({ state: 'waiting' });
    await here.close();
  });
});

describe('refresh jobs', () => {
  const request = async (dryRun: boolean, here: App = world.staging) =>
    (
      await jobs.request(here.sql, {
        ...{ kind: 'refresh', name: 'Refresh', person: 'pm@example.com', input: { dryRun } },
        onlyOne: 'refresh',
      })
    ).job;

  test('J-7 S0-73 a refresh is a job with progress, history and a report, and its dry run writes nothing', async () => {
    const { production, preprod } = world;
    const id = await add(production, 'form', { name: 'Address change' });
    const look = await runJob(preprod, tasks, (await request(true, preprod)).id);
    expect(look).toMatchObject({ state: 'done', done_count: 1, total_count: 1 });
    expect(JSON.parse(look?.report ?? '')).toMatchObject({ created: 1, skippedRows: [] });
    await expect(get(preprod, { entity: 'form', id })).rejects.toThrow('is not in preprod');

    await runJob(preprod, tasks, (await request(false, preprod)).id);
    await change(production, { entity: 'form', id }, { description: 'Newer above' });
    const again = await runJob(preprod, tasks, (await request(true, preprod)).id);
    expect(JSON.parse(again?.report ?? '')).toMatchObject({
      ...{ created: 0, updated: 1 },
      overwritten: [{ key: { entity: 'form', id }, fields: ['Description'] }],
    });
    expect(await get(preprod, { entity: 'form', id })).toMatchObject({ description: null });
  });

  test('a refresh that was stopped resumes where it stopped, with a complete report', async () => {
    const { production, preprod } = world;
    for (let number = 0; number < 3; number += 1) await add(production, 'form');
    for (let number = 0; number < 2; number += 1) await add(production, 'business');
    const { id } = await request(false, preprod);
    const here = { ...preprod, halt: new AbortController() };
    const stopped = await runJob(here, tasks, id, ({ doing }) => {
      if (doing === 'Businesses') here.halt.abort();
    });
    expect(stopped).toMatchObject({ state: 'waiting', done_count: 2 });
    const done = await runJob(preprod, tasks, id);
    expect(done).toMatchObject({ state: 'done', attempt: 2, done_count: 5, total_count: 5 });
    expect(JSON.parse(done?.report ?? '')).toMatchObject({ created: 5, same: 0 });
  });

  test('a refresh waits while a database is being updated, and shows why', async () => {
    const { production, preprod } = world;
    await add(production, 'form');
    await writeVersion(production.documents, { databaseVersion: '1', isUpdating: true });
    const { id } = await request(false, preprod);
    expect(await runJob(preprod, tasks, id)).toMatchObject({
      ...{ state: 'waiting', problem: 'The database of production is being updated.' },
    });
  });

  test('a refresh copies icons, and names icons that are missing in production', async () => {
    const { production, staging } = world;
    const icon = `${'a'.repeat(64)}.png`;
    const lost = `${'b'.repeat(64)}.png`;
    await production.storage.put(`aa/${icon}`, Buffer.from('icon'));
    await add(production, 'business', { icon });
    const id = await add(production, 'business', { icon: lost });
    const done = await runJob(staging, tasks, (await request(false)).id);
    expect(await text(await readImage(staging.storage, icon))).toBe('icon');
    expect(JSON.parse(done?.report ?? '')).toMatchObject({
      missingImages: [`Business ${id}: ${lost}`],
    });
  });

  test('J-3 a refresh copies no people, permissions, jobs, keys, messages or settings', async () => {
    const { production, staging } = world;
    await add(production, 'form');
    await production.sql.query(
      "insert into person (email, name, password_hash) values ('above@example.com', 'Above', 'x')",
    );
    await production.sql.query(
      "insert into permission (person_id, name) select id, 'administrator' from person",
    );
    await production.sql.query("insert into message (person, text) values ('a@example.com', 'x')");
    await production.sql.query(
      "insert into api_key (name, hint, hash, scopes, created_by) values ('App', 'x', 'x', '[]', 'x')",
    );
    await jobs.request(production.sql, wanted);
    await runJob(staging, tasks, (await request(false)).id);
    for (const table of ['person', 'permission', 'message', 'api_key', 'selection', 'outbox']) {
      const [lines] = await staging.sql.query(`select * from ${table}`);
      expect([table, lines]).toEqual([table, []]);
    }
    const [own] = await staging.sql.query('select kind from job');
    expect(own).toEqual([{ kind: 'refresh' }]);
  });

  test('the refresh page starts a refresh, shows its progress, and leads to the one that is running', async () => {
    const site = await openSite(world, 'staging');
    const pm = await site.as('pm');
    await add(world.production, 'form');
    const first = await pm.post('/refreshes', { what: 'look' });
    expect(first.headers['location']).toMatch(/^\/jobs\/\d+$/);
    const second = await pm.post('/refreshes', { what: 'copy' });
    expect(second.headers['location']).toBe(first.headers['location']);
    const [job] = await jobs.newest(world.staging.sql, 'refresh');
    await runJob(world.staging, tasks, job?.id ?? '');
    const page = textOf((await pm.get(String(first.headers['location']))).text);
    expect(page).toContain('1 would be created');
    expect(page).toContain('Copy down now');
    const events = await pm.get(`${String(first.headers['location'])}/events`);
    expect(events.text).toContain('"state":"done"');
    await site.close();
  });
});

describe('large transfers', () => {
  test('a large transfer runs as a job with progress, a small one within the request', async () => {
    const { staging, preprod } = world;
    const form = await add(staging, 'form');
    for (let order = 1; order <= 3; order += 1) await add(staging, 'form_field', { form, order });
    const site = await openSite(world, 'staging');
    const pm = await site.as('pm');
    const { selection, plan } = await sheet(staging, [{ entity: 'form', id: form }]);
    const handed: string[] = [];
    const sent = await transfers.send(routeFrom(staging), selection, {
      ...{ planHash: plan.hash, idempotencyKey: 'large', name: '', reason: null },
      ...{ person: 'pm@example.com', largeFrom: 1 },
      handOver: async (transfer) => {
        handed.push(transfer.id);
        await jobs.request(staging.sql, {
          ...{ kind: 'transfer', name: transfer.name, person: transfer.person },
          ...{ input: { transfer: transfer.id }, onlyOne: jobKeyOf(transfer.id) },
        });
      },
    });
    expect(handed).toEqual([sent.id]);
    const waiting = textOf((await pm.get(`/transfers/${sent.number}`)).text);
    expect(waiting).toContain('A job carries these 4 rows');
    const job = await jobs.active(staging.sql, jobKeyOf(sent.id));
    expect(await runJob(staging, tasks, job?.id ?? '')).toMatchObject({ state: 'done' });
    expect(await get(preprod, { entity: 'form', id: form })).toMatchObject({ id: form });
    const done = textOf((await pm.get(`/transfers/${sent.number}`)).text);
    expect(done).toContain('4 rows transferred to pre-production');
    await site.close();
  });
});
