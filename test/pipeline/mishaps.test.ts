// Pipeline runs recover when a server that they need fails, or when the dataset changes during the run.
import { expect, test } from 'vitest';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { failpoints } from '../../src/database/failpoints.ts';
import { run as change, select, sql } from '../../src/database/sql.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { followJobs } from '../../src/pipeline/job.ts';
import * as runs from '../../src/pipeline/runs.ts';
import { jobOf, makeDue, rowsIn, usePipeline } from '../support/pipeline.ts';
import { publish } from '../support/published.ts';
import type { Fault } from '../support/signed-client.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const pipeline = usePipeline(world, { API_PAGE_SIZE: '10' });
const columns = { name: 'text', size: 'integer' } as const;
const rowsOf = (count: number, of = 'Row') =>
  Array.from({ length: count }, (_, index) => [`${of} ${index}`, index]);
const here = () => pipeline.site.here;
const begin = async (rows = rowsOf(25)) => {
  const { run } = await publish(here(), { name: 'org/cities', columns, rows });
  return run;
};

/** Applies a fault of the API to only one request for a page of rows: the request with this number. */
const atPage = (number: number, fault: Fault): Fault => {
  let seen = 0;
  return (req, res) => {
    if (req.url?.includes('table-data')) seen += 1;
    return req.url?.includes('table-data') && seen === number ? fault(req, res) : false;
  };
};
const answering =
  (status: number, body: string, headers: Record<string, string> = {}): Fault =>
  (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    return true;
  };
const refusing = (status: number, code: string) =>
  answering(status, JSON.stringify({ error: { code, message: `Refused with ${code}` } }));

/** Runs the job of a pipeline run until the API’s fault stops it, then runs the job again without the fault. */
async function stopsAndGoesOn(run: number | null) {
  const stopped = await pipeline.carry(run);
  const job = await jobOf(here(), run);
  pipeline.at.fault = null;
  await makeDue(here());
  const ended = await pipeline.carry(run);
  return { stopped: stopped.state, waits: job?.state, ended: ended.state, error: ended.error };
}
const wentOn = { stopped: 'fetching', waits: 'waiting', ended: 'completed', error: null };

const cut: Fault = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
  res.write('{"headers":[');
  setTimeout(() => res.destroy(), 20);
  return true;
};
const unsigned = answering(200, '{"headers":["name","size"],"values":[["forged",1]],"next":null}');

test.each<[string, Fault]>([
  ['status 503', refusing(503, 'unavailable')],
  ['status 429', refusing(429, 'too_many_requests')],
  ['status 500', refusing(500, 'failed')],
  ['the answer that the database is being updated', refusing(503, 'database_updating')],
  ['half an answer', cut],
  ['an answer that is not signed', unsigned],
])(
  'S3-37 a pipeline run that gets %s for its second page waits, and later continues with this page',
  async (_what, fault) => {
    const run = await begin();
    pipeline.at.fault = atPage(2, fault);
    expect(await stopsAndGoesOn(run)).toEqual(wentOn);
    expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
  },
);

test.each<[string, Fault, string]>([
  ['status 401', refusing(401, 'bad_signature'), 'PIPELINE_HAWK_KEY'],
  ['status 403', refusing(403, 'lacks_scope'), 'scope'],
  ['status 410', refusing(410, 'version_gone'), 'version_gone'],
  ['a redirect to another server', answering(302, '', { location: 'http://192.0.2.1/' }), ''],
])(
  'a pipeline run that gets %s for its second page stops, and completes after it is resumed or retried',
  async (_what, fault, reason) => {
    const run = await begin();
    pipeline.at.fault = atPage(2, fault);
    const failed = await pipeline.carry(run);
    if (reason !== '') {
      expect(failed).toMatchObject({
        state: 'failed',
        pages_fetched: 1,
        error: expect.stringContaining(reason),
      });
      pipeline.at.fault = null;
      await runs.resume(here(), 'dana@example.com', { number: run ?? 0 });
    } else {
      expect(failed.state).toBe('fetching');
      pipeline.at.fault = null;
      await makeDue(here());
    }
    expect((await pipeline.carry(run)).state).toBe('completed');
    expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
  },
);

test('a pipeline run stops as superseded when a newer version of its dataset is published, and the run of that version completes', async () => {
  const first = await begin();
  let second: number | null = null;
  failpoints.reached = async (point) => {
    if (point !== 'page counted' || second !== null) return;
    second = await begin(rowsOf(7, 'New'));
  };
  const ended = await pipeline.carry(first);
  failpoints.reached = () => {};
  expect(ended.state).toBe('superseded');
  expect((await pipeline.carry(second)).state).toBe('completed');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(7, 'New'));
});

test('a pipeline run completes even if Redis loses the nonces (numbers used once) of the signed API requests that the run has sent', async () => {
  const run = await begin();
  failpoints.reached = async (point) => {
    if (point === 'page stored') await pipeline.site.redis.flushDb();
  };
  expect((await pipeline.carry(run)).state).toBe('completed');
  failpoints.reached = () => {};
});

test('a pipeline run fails when a page of rows that it stored is missing, and fetches all pages again when a person resumes it', async () => {
  const run = await begin();
  failpoints.reached = (point) => {
    if (point === 'table created') rmSync(join(pipeline.folder, `pages/${run}/2.json`));
  };
  const stopped = await pipeline.carry(run);
  failpoints.reached = () => {};
  expect([stopped.state, stopped.error]).toEqual(['failed', expect.stringContaining('storage')]);
  await runs.resume(here(), 'dana@example.com', { number: run ?? 0 });
  expect((await pipeline.carry(run)).state).toBe('completed');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
});

test('a pipeline run waits while its storage for fetched pages of rows does not work, and continues afterwards', async () => {
  const run = await begin();
  const { pipeline: settings } = here().settings;
  if (!settings) throw new Error('no pipeline');
  const { store } = settings;
  const silent = createServer((_req, res) => res.writeHead(503).end()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  settings.store = {
    kind: 's3',
    bucket: 'pages',
    prefix: '',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    keys: { id: 'id', secret: 'secret' },
  };
  const stopped = await pipeline.carry(run);
  expect([stopped.error, stopped.state, (await jobOf(here(), run))?.state]).toEqual([
    null,
    'fetching',
    'waiting',
  ]);
  settings.store = store;
  silent.close();
  await makeDue(here());
  expect((await pipeline.carry(run)).state).toBe('completed');
});

test('a pipeline run waits while the datasets database cannot be reached, and continues afterwards', async () => {
  const run = await begin();
  const { target } = here().settings.pipeline ?? {};
  if (!target) throw new Error('no pipeline');
  const { port } = target;
  target.port = 1;
  const stopped = await pipeline.carry(run);
  expect([stopped.state, (await jobOf(here(), run))?.state]).toEqual(['inserting', 'waiting']);
  target.port = port;
  await makeDue(here());
  expect((await pipeline.carry(run)).state).toBe('completed');
});

test('a pipeline run inserts each page of rows exactly once even if its connections to the datasets database break', async () => {
  const run = await begin();
  failpoints.reached = async (point) => {
    if (point !== 'table created') return;
    failpoints.reached = () => {};
    const [own] = await pipeline.target.query('show processlist');
    for (const { Id: id } of own as { Id: number }[]) {
      await pipeline.target.query(`kill ${id}`).catch(() => {});
    }
  };
  await pipeline.carry(run);
  await makeDue(here());
  expect((await pipeline.carry(run)).state).toBe('completed');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
});

test('if the job of a pipeline run is cancelled, the upload whose data it copies fails, and completes after a person resumes the run', async () => {
  const run = await begin();
  await change(
    here().sql,
    sql`insert into upload (id, dataset, file_name, state, pipeline_run, person, created_at, changed_at)
        select uuid(), id, 'cities.csv', 'processing_dataflow', ${run}, 'dana@example.com', utc_timestamp(3),
               utc_timestamp(3) from dataset`,
  );
  const { job } = await runs.known(here().sql, run ?? 0);
  await followJobs(here());
  expect((await runs.known(here().sql, run ?? 0)).state).toBe('fetching');
  await change(
    here().sql,
    sql`update job set state = 'cancelled', ended_at = utc_timestamp(3), cancelled_by = 'dana' where id = ${job}`,
  );
  await followJobs(here());
  expect(await runs.known(here().sql, run ?? 0)).toMatchObject({
    state: 'failed',
    error: 'Cancelled by dana.',
  });
  const uploads = () => select(here().sql, sql`select state, error from upload`);
  expect(await uploads()).toEqual([{ state: 'failed', error: 'Cancelled by dana.' }]);
  await runs.resume(here(), 'dana@example.com', { number: run ?? 0 });
  expect(await uploads()).toEqual([{ state: 'processing_dataflow', error: null }]);
  expect((await pipeline.carry(run)).state).toBe('completed');
  expect(await uploads()).toEqual([{ state: 'completed', error: null }]);
  const all = await jobs.list(here().sql, { state: '', kind: 'pipeline', before: null });
  expect(all.map(({ state }) => state)).toEqual(['done', 'cancelled']);
});

test('if a newer dataset version replaces the one that an upload published, the upload is completed with a note about that version', async () => {
  const run = await begin();
  await change(
    here().sql,
    sql`insert into upload (id, dataset, file_name, state, pipeline_run, person, created_at, changed_at)
        select uuid(), id, 'cities.csv', 'processing_dataflow', ${run}, 'dana@example.com', utc_timestamp(3),
               utc_timestamp(3) from dataset`,
  );
  await begin(rowsOf(3));
  const [upload] = await select<{ state: string; error: string }>(
    here().sql,
    sql`select * from upload`,
  );
  expect([upload?.state, upload?.error]).toEqual([
    'completed',
    expect.stringContaining('Version 2'),
  ]);
});

test('a failed pipeline run whose stored pages of rows were deleted fetches all pages again when a person resumes it', async () => {
  const run = await begin();
  pipeline.at.fault = atPage(3, refusing(403, 'lacks_scope'));
  await pipeline.carry(run);
  pipeline.at.fault = null;
  await change(here().sql, sql`update pipeline_run set pages_removed_at = utc_timestamp(3)`);
  await runs.resume(here(), 'dana@example.com', { number: run ?? 0 });
  expect(await runs.known(here().sql, run ?? 0)).toMatchObject({
    state: 'fetching',
    pages_fetched: 0,
  });
  expect((await pipeline.carry(run)).state).toBe('completed');
  expect(await rowsIn(pipeline.target, 'org_cities')).toEqual(rowsOf(25));
});
