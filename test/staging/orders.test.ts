// Tests staging jobs across two servers: a person runs a job in production, staging builds the database, and production
// learns the outcome.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServer, type Server } from 'node:http';
import { run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { deadlines } from '../../src/staging/ask.ts';
import * as copies from '../../src/staging/copies.ts';
import * as environments from '../../src/staging/environments.ts';
import * as orders from '../../src/staging/orders.ts';
import { runJob } from '../../src/staging/run.ts';
import * as stagingJobs from '../../src/staging/staging-jobs.ts';
import type { PostedJob } from '../../src/staging/staging-jobs.ts';
import { until } from '../support/jobs.ts';
import { openSite, textOf } from '../support/people.ts';
import type { MailServer } from '../support/mail-server.ts';
import type { Listening } from '../support/servers.ts';
import { add } from '../support/rows.ts';
import { backUp, client, databasesThere, useCopies, wanted } from '../support/staging.ts';
import { useOrdering } from '../support/ordering.ts';

const world = useCopies({ NUMIKUBE_STAGING_DATABASE_LIMIT: '2' });
const sam = 'sam@example.com';
const both = useOrdering(world);
let mail: MailServer;
let servers: Listening;
let production: App;
let staging: App;
beforeAll(() => {
  ({ mail, servers, production, staging } = both.now);
});
let lab: number;
beforeEach(async () => {
  mail.received.length = 0;
  await add(world.production, 'form', { name: 'Visit' });
  await backUp(world.production);
  lab = await addEnvironment({});
});

const tokenHere = () => world.variables.staging['NUMIKUBE_STAGING_TOKEN'] ?? '';

const addEnvironment = (also: Record<string, string>) =>
  environments.add(production, 'ops@example.com', {
    name: 'Lab',
    url: servers.urls.staging,
    client,
    level: 'lab',
    token: tokenHere(),
    ...also,
  });

const addJob = (also: PostedJob = {}) =>
  stagingJobs.add(production, sam, {
    type: 'new',
    environment: String(lab),
    timestamp: 'yes',
    suffix: 'trial',
    ...also,
  });

const jobAt = (number: number) => stagingJobs.known(production.sql, number);
const orderOf = async (number: number) => {
  const [order] = await orders.ofJob(production.sql, number);
  if (!order) throw new Error('The job was not run');
  return order;
};

const ended = (number: number) =>
  until(async () => {
    await both.now.chores();
    const { state } = await jobAt(number);
    return (state === 'done' || state === 'error') && state;
  });

test('S1-01 S1-03 S1-04 S1-06 S1-07 S1-08 S1-09 S1-36 S1-37 S1-38 S1-39 a staging job shows the name of its future database at once, and sends a link to the database by e-mail when it is ready', async () => {
  const number = await addJob();
  await runJob(production, number, sam);
  const order = await orderOf(number);
  expect(order.name).toMatch(new RegExp(`^${client}-lab_\\d{8}_\\d{4}_trial$`));
  expect((await jobAt(number)).state).toBe('running');
  expect(await ended(number)).toBe('done');
  const { name, url, state } = await orderOf(number);
  expect([state, url]).toEqual(['done', `${servers.urls.staging}/databases/${name}`]);
  await until(async () => {
    await deliver(production);
    return mail.received.length > 0;
  });
  const [sent] = mail.received;
  expect(sent?.recipients).toEqual([sam]);
  expect(sent?.subject).toBe(`${name} is ready`);
  expect(sent?.text).toContain(`${servers.urls.staging}/databases/${name}`);
  expect(mail.received).toHaveLength(1);
});

test('S1-88 when the HTTP callback about a staging database is lost, production asks staging for the outcome and notifies the person once', async () => {
  const number = await addJob();
  await runJob(production, number, sam);
  const order = await orderOf(number);
  await until(async () => (await copies.byId(staging.sql, order.id))?.state === 'ready');
  await run(staging.sql, sql`delete from outbox`);
  expect(await ended(number)).toBe('done');
  const told = await select(production.sql, sql`select * from message where person = ${sam}`);
  expect(told).toHaveLength(1);
});

test('S1-51 when a staging job fails, the person who ran it gets an e-mail with the reason and what to do', async () => {
  lab = await addEnvironment({ name: 'Other', client: 'nobody' });
  const number = await addJob();
  await runJob(production, number, sam);
  await until(async () => {
    await deliver(production);
    return mail.received.length > 0;
  });
  const [sent] = mail.received;
  expect(sent?.subject).toBe(`The database of staging job ${number} could not be made`);
  expect(sent?.text).toMatch(/There is no backup of nobody.*click Run/s);
});

test('while the mail server is down, the page of a staging job says that the e-mail about it is not sent yet', async () => {
  lab = await addEnvironment({ name: 'Other', client: 'nobody' });
  const number = await addJob();
  await mail.close();
  try {
    await runJob(production, number, sam);
    await deliver(production);
    const site = await openSite(world, 'production');
    const page = textOf((await (await site.as('sam')).get(`/staging/jobs/${number}`)).text);
    expect(page).toMatch(/Not sent yet to sam@example\.com\. .*ECONNREFUSED/);
    await site.close();
  } finally {
    await mail.listen();
  }
  await run(production.sql, sql`update outbox set next_at = utc_timestamp(3)`);
  await deliver(production);
  expect(mail.received).toHaveLength(1);
});

describe('staging jobs that the staging server refuses', () => {
  const problemOf = async (number: number) => {
    await runJob(production, number, sam);
    const { state, problem } = await orderOf(number);
    expect([state, (await jobAt(number)).state]).toEqual(['error', 'error']);
    return problem;
  };

  test('S1-05 S1-25 a staging job with a wrong token fails and shows the reason that the staging server gives', async () => {
    lab = await addEnvironment({
      name: 'Other',
      token: 'another token, which staging does not know',
    });
    expect(await problemOf(await addJob())).toMatch(/The token is not the one of staging/);
  });

  test('S1-89 a staging job for a client without a backup fails and shows the reason that the staging server gives', async () => {
    lab = await addEnvironment({ name: 'Other', client: 'nobody' });
    expect(await problemOf(await addJob())).toMatch(/There is no backup of nobody/);
  });

  test('S1-70 S1-71 S1-86 a staging job fails with the reason that the staging server gives when the limit of staging databases is reached', async () => {
    for (const suffix of ['one', 'two']) {
      await runJob(production, await addJob({ suffix }), sam);
    }
    expect(await problemOf(await addJob({ suffix: 'three' }))).toMatch(
      /There are 2 of 2 databases/,
    );
  });

  test('S1-82 a staging job fails when the name of its database is taken, unless the job replaces that database', async () => {
    const plain = { suffix: 'same', timestamp: 'no' } as const;
    const former = await addJob(plain);
    await runJob(production, former, sam);
    expect(await problemOf(await addJob(plain))).toMatch(/There is a database .*-lab_same already/);
    expect(await ended(former)).toBe('done');
    const next = await addJob({ ...plain, replace: 'yes' });
    await runJob(production, next, sam);
    expect(await ended(next)).toBe('done');
    expect((await copies.live(staging.sql)).map(({ id }) => id)).toEqual([
      (await orderOf(next)).id,
    ]);
  });

  test('S1-52 S1-83 a person can run a staging job in the state Error again, and all attempts stay listed', async () => {
    await run(staging.sql, sql`delete from database_copy`);
    lab = await addEnvironment({ name: 'Other', client: 'nobody' });
    const number = await addJob();
    await problemOf(number);
    await stagingJobs.change(
      production,
      sam,
      { number, seen: 1 },
      {
        type: 'new',
        environment: String(await addEnvironment({ name: 'Right' })),
        timestamp: 'yes',
        suffix: 'again',
      },
    );
    await runJob(production, number, sam);
    expect(await ended(number)).toBe('done');
    expect((await orders.ofJob(production.sql, number)).map(({ state }) => state)).toEqual([
      'done',
      'error',
    ]);
  });
});

test('a double click on Run of a staging job orders only one staging database', async () => {
  const number = await addJob();
  const outcomes = await Promise.allSettled([
    runJob(production, number, sam),
    runJob(production, number, sam),
  ]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(await orders.ofJob(production.sql, number)).toHaveLength(1);
  await ended(number);
});

test('when production sends the same order of a staging database three times, staging gives the same answer each time and builds one database', async () => {
  const order = { ...wanted(), token: tokenHere() };
  const post = () =>
    fetch(`${servers.urls.staging}/bridge/orders`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(order),
    }).then(async (answer) => [answer.status, await answer.json()]);
  const answers = await Promise.all([post(), post(), post()]);
  expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(answers[0]).toMatchObject([202, { name: `${client}-lab_trial` }]);
  await until(async () => (await copies.byId(staging.sql, order.order))?.state === 'ready');
});

describe('a staging server that does not respond', () => {
  let silent: Server;
  beforeAll(async () => {
    deadlines.answer = 300;
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    deadlines.answer = 10_000;
    silent.closeAllConnections();
    silent.close();
  });

  test('production sends an order of a staging database again until staging acknowledges it', async () => {
    const { port } = silent.address() as { port: number };
    const away = await addEnvironment({ name: 'Away', url: `localhost:${port}` });
    lab = away;
    const number = await addJob();
    await runJob(production, number, sam);
    expect(await orderOf(number)).toMatchObject({ state: 'asking', name: null });
    expect((await orderOf(number)).problem).toMatch(/Away .* cannot be reached/);
    deadlines.answer = 10_000;
    await run(
      production.sql,
      sql`update staging_environment set url = ${servers.urls.staging} where id = ${away}`,
    );
    expect(await ended(number)).toBe('done');
    deadlines.answer = 300;
  });

  test('S1-87 an order of a staging database ends in the state Error when staging has not responded for more than six hours', async () => {
    const { port } = silent.address() as { port: number };
    lab = await addEnvironment({ name: 'Away', url: `localhost:${port}` });
    const number = await addJob();
    await runJob(production, number, sam);
    await run(
      production.sql,
      sql`update staging_order set created_at = created_at - interval 7 hour`,
    );
    expect(await ended(number)).toBe('error');
    expect((await orderOf(number)).problem).toMatch(/Staging has not answered since/);
  });
});

test('production refuses an HTTP callback about a staging database if its key is wrong, and the order does not change', async () => {
  const number = await addJob();
  await runJob(production, number, sam);
  const { id, name } = await orderOf(number);
  const answer = await fetch(`${servers.urls.production}/bridge/callbacks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      order: id,
      key: 'x'.repeat(43),
      state: 'error',
      name,
      problem: 'Forged',
    }),
  });
  expect(answer.status).toBe(404);
  expect((await orderOf(number)).state).toBe('running');
  expect(await ended(number)).toBe('done');
});

describe('the jobs with which people drop staging databases', () => {
  test('S1-60 S1-61 S1-63 S1-84 S1-85 a staging job that drops databases ends as soon as it is run, with a result for each database name', async () => {
    const made = await addJob({ suffix: 'gone', timestamp: 'no' });
    await runJob(production, made, sam);
    await ended(made);
    const control = world.variables.staging['SQL_DB_NAME'] ?? '';
    const number = await addJob({
      type: 'drop',
      names: `${client}-lab_gone\n${control} never-lab`,
    });
    await runJob(production, number, sam);
    const { state, results } = await orderOf(number);
    expect(state).toBe('error');
    expect(JSON.parse(results ?? '[]')).toMatchObject([
      { name: `${client}-lab_gone`, result: 'dropped' },
      { name: control, result: 'unknown' },
      { name: 'never-lab', result: 'unknown' },
    ]);
    expect((await databasesThere()).mysql).toEqual([]);
    expect(await stagingJobs.list(staging.sql, null)).toEqual([]);
  });

  test('S1-84 a staging job that drops databases is done even if an earlier request already dropped the databases and its answer was lost', async () => {
    const made = await addJob({ suffix: 'gone', timestamp: 'no' });
    await runJob(production, made, sam);
    await ended(made);
    for (let time = 0; time < 2; time += 1) {
      const number = await addJob({ type: 'drop', names: `${client}-lab_gone` });
      await runJob(production, number, sam);
      expect((await jobAt(number)).state).toBe('done');
    }
  });
});

test('S1-22 production and staging may be the same server: a server can order a staging database from itself', async () => {
  lab = await environments.add(staging, 'ops@example.com', {
    name: 'Here',
    url: servers.urls.staging.replace('http://', ''),
    client,
    level: 'lab',
    token: tokenHere(),
  });
  const number = await stagingJobs.add(staging, sam, {
    type: 'new',
    environment: String(lab),
    suffix: 'own',
  });
  await runJob(staging, number, sam);
  await until(async () => {
    await deliver(staging);
    return (await stagingJobs.known(staging.sql, number)).state === 'done';
  });
});
