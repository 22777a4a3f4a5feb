// S3-09 S3-30 Tests that clients of the signed API can run data sources, with a signature that covers the body of the
// request.
import { beforeEach, expect, test } from 'vitest';
import { select, sql } from '../../src/database/sql.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { useSite } from '../support/people.ts';
import { ask, hawkKey, useAddress, type Answer, type Key } from '../support/signed-client.ts';
import { addSource, usePublisher, useSources } from '../support/sources.ts';

const world = useSources();
const publisher = usePublisher();
const site = useSite(world, 'staging');
const at = useAddress(site);
let key: Key;
const post = (body: string, also: Parameters<typeof ask>[2] = {}) =>
  ask(key, `${at.url}/api/v1/source-runs`, { method: 'POST', body, ...also });
const codeOf = ({ status, json }: Answer) => [status, json.error?.code];
const jobsThere = () =>
  select<{ id: string; person: string }>(site.here.sql, sql`select id, person from job`);

beforeEach(async () => {
  await addSource(site.here, publisher);
  key = await hawkKey(site.here, ['sources:run'], 'Jenkins');
});

test('S3-09 S3-30 a signed POST starts a run that fetches from a data source (202), and a second POST returns the same run (200)', async () => {
  const first = await post('{"source":"Cities"}');
  const [run] = (first.json as { runs?: { job: number; url: string }[] }).runs ?? [];
  expect([first.status, first.isSigned, first.json]).toEqual([
    202,
    true,
    {
      runs: [
        {
          source: 'Cities',
          job: run?.job,
          new: true,
          url: `${at.url}/api/v1/source-runs/${run?.job}`,
        },
      ],
    },
  ]);
  const again = await post('');
  expect([again.status, (again.json as { runs?: unknown[] }).runs]).toEqual([
    200,
    [{ source: 'Cities', job: run?.job, new: false, url: run?.url }],
  ]);
  const [job] = await jobsThere();
  expect(job?.person).toBe('API client Jenkins');
  expect((await ask(key, run?.url ?? '')).json).toMatchObject({ state: 'waiting', report: null });
  await runJob(site.here, tasks, job?.id ?? '');
  const ended = await ask(key, run?.url ?? '');
  expect(ended.json).toMatchObject({
    source: 'Cities',
    state: 'done',
    problem: null,
    report: { failed: expect.any(Number), loaded: expect.any(Number) },
  });
});

test('the signed API refuses a POST whose body is unsigned, altered, or sent with another Content-Type than the signed one', async () => {
  const body = '{"source":"Cities"}';
  expect(codeOf(await post(body, { sentBody: '{"source":"Others"}' }))).toEqual([401, 'bad_hash']);
  const unsigned = await post(body, { sign: { payload: undefined as never, contentType: '' } });
  expect(codeOf(unsigned)).toEqual([401, 'missing_hash']);
  const retyped = await post(body, { headers: { 'content-type': 'text/plain' } });
  expect(codeOf(retyped)).toEqual([401, 'bad_hash']);
  const withCharset = await post(body, {
    headers: { 'content-type': 'Application/JSON; charset=utf-8' },
  });
  expect(withCharset.status).toBe(202);
  expect(await jobsThere()).toHaveLength(1);
});

test('the signed API refuses a POST body that is too large, compressed, invalid or names an unknown data source, and starts no job', async () => {
  const large = `{"source":"${'x'.repeat(70_000)}"}`;
  expect(codeOf(await post(large))).toEqual([413, 'too_large']);
  expect(codeOf(await post('{"source":'))).toEqual([422, 'invalid']);
  expect(codeOf(await post('[]'))).toEqual([422, 'invalid']);
  expect(codeOf(await post('{"source":""}'))).toEqual([422, 'invalid']);
  expect(codeOf(await post('{"sources":"Cities"}'))).toEqual([422, 'invalid']);
  expect(codeOf(await post('{"source":"Ä😀"}'))).toEqual([404, 'not_found']);
  expect(codeOf(await post('{"source":999}'))).toEqual([404, 'not_found']);
  const zipped = await post('{}', { headers: { 'content-encoding': 'gzip' } });
  expect(codeOf(zipped)).toEqual([415, 'malformed']);
  expect(await jobsThere()).toEqual([]);
});

test('an API key without the scope sources:run can neither run data sources nor read their runs', async () => {
  key = await hawkKey(site.here, ['dataset:*', 'pipeline'], 'Reader');
  const posted = await post('{}');
  expect([codeOf(posted), posted.json.error?.message]).toEqual([
    [403, 'lacks_scope'],
    expect.stringContaining('sources:run'),
  ]);
  expect(codeOf(await ask(key, `${at.url}/api/v1/source-runs/1`))).toEqual([403, 'lacks_scope']);
});

test('the signed API answers 404 for a job number that is not the run of a data source, and 405 for a method that a route does not have', async () => {
  for (const number of ['0', 'x', '99999', '1e3']) {
    expect(codeOf(await ask(key, `${at.url}/api/v1/source-runs/${number}`))).toEqual([
      404,
      'not_found',
    ]);
  }
  const { status, headers } = await fetch(`${at.url}/api/v1/table-data`, { method: 'POST' });
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  const deleted = await fetch(`${at.url}/api/v1/source-runs`, { method: 'DELETE' });
  expect(deleted.status).toBe(405);
});
