// A scheduled selection gets a new plan at its time. It is sent once, and only if its plan needs no decision by a
// person.
import { expect, test } from 'vitest';
import { first, run, select, sql, transaction } from '../../src/database/sql.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { tasks } from '../../src/tasks.ts';
import { ATTEMPTS, startScheduled } from '../../src/transfers/scheduled-job.ts';
import * as schedules from '../../src/transfers/schedules.ts';
import { startChores } from '../../src/jobs/chores.ts';
import { until, useWorkers } from '../support/jobs.ts';
import { json, openTerminal } from '../support/command.ts';
import { openSite, password, textOf, useClient, useSite } from '../support/people.ts';
import { add, change, get, has, transfer } from '../support/rows.ts';
import { idOf, inAWeek, startDue, useSchedules } from '../support/scheduling.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const client = useClient(site, 'pm');
const workers = useWorkers();

const read = async (address: string) => textOf((await client.get(address).expect(200)).text);
const { launch, schedule, stored, due, serve, messages, shownOn } = useSchedules(world, client);

test('a scheduled selection is sent at its time with the rows that it contains then, and the person who scheduled it is notified', async () => {
  const { form, address } = await launch();
  expect((await schedule(address)).headers['location']).toBe(address);
  for (const page of [address, '/selections', '/pending']) {
    expect(await read(page)).toMatch(/scheduled for .* UTC by pm/i);
  }
  expect(await read('/')).toContain('selection is scheduled');
  const late = await add(world.staging, 'form', { name: 'Added later' });
  await client.post('/selections/additions', { rows: `form:${late}`, into: idOf(address) });
  expect(await read(address)).toMatch(/1 row added to “Launch”. It is scheduled for/);
  expect((await serve()).state).toBe('waiting');
  await due();
  expect(await serve()).toMatchObject({ state: 'sent', problem: null });
  expect(await has(world.preprod, form)).toBe(true);
  expect(await has(world.preprod, { entity: 'form', id: late })).toBe(true);
  expect(await messages()).toEqual([
    expect.stringMatching(
      /^schedule.sent: “Launch” was transferred to pre-production as scheduled: transfer \d+.$/,
    ),
  ]);
  expect(await read(address)).toMatch(/Transfer \d+ : 2 rows transferred.*Sent as scheduled for/);
  const there = await (await openSite(world, 'preprod')).as('pm');
  expect(textOf((await there.get('/arrivals')).text)).toMatch(/Launch.*Opening of the shop/);
  const begun = (await there.post('/selections/new', { name: 'On' })).headers['location'] ?? '';
  const unreasoned = await there.post(`${begun}/schedule`, { run_at: inAWeek(), reason: ' ' });
  expect([unreasoned.status, textOf(unreasoned.text)]).toEqual([
    422,
    expect.stringContaining('Enter a reason'),
  ]);
});

test('a scheduled selection is not sent if one of its rows has changed at the destination, and its page and a message say why', async () => {
  const { form, address } = await launch();
  await transfer(world.staging, [form]);
  await change(world.staging, form, { name: 'Changed here' });
  await schedule(address);
  await change(world.preprod, form, { name: 'Changed there' });
  await due();
  const { state, problem } = await serve();
  expect(state).toBe('stopped');
  expect(problem).toContain('changed');
  expect((await get(world.preprod, form))['name']).toBe('Changed there');
  expect(await messages()).toEqual([expect.stringContaining('“Launch” was not transferred')]);
  for (const page of [address, '/selections']) {
    expect(await read(page)).toMatch(/Not sent as scheduled.*Form “Changed here”/);
  }
  expect((await schedule(address)).status).toBe(303);
});

test.each([
  {
    who: 'has a closed account, and the other product managers are notified',
    gone: sql`update person set active = 0 where email = 'pm@example.com'`,
    told: 'ana@example.com',
  },
  {
    who: 'has lost the permission, and that person is notified',
    gone: sql`delete from permission where name = 'product_manager'`,
    told: 'pm@example.com',
  },
])('a scheduled selection is not sent if its sender $who', async ({ gone, told }) => {
  const { sql: on } = world.staging;
  await run(
    on,
    sql`insert into person (email, name, password_hash) values ('ana@example.com', 'Ana', '')`,
  );
  await run(
    on,
    sql`insert into permission (person_id, name)
        select id, 'product_manager' from person where email = 'ana@example.com'`,
  );
  const { form, address } = await launch();
  await schedule(address);
  await due();
  await run(on, gone);
  expect(await serve()).toMatchObject({ state: 'stopped', transfer: null });
  expect(await has(world.preprod, form)).toBe(false);
  expect(await messages(told)).toEqual([expect.stringContaining('“Launch” was not transferred')]);
});

test('if the server was down at the time of a schedule, the selection is still sent within a day, but not later', async () => {
  const { form, address } = await launch();
  await schedule(address);
  await due(23);
  expect((await serve()).state).toBe('sent');
  expect(await has(world.preprod, form)).toBe(true);
  const other = await launch('Cab');
  await schedule(other.address);
  await due(25);
  expect(await serve()).toMatchObject({
    state: 'stopped',
    problem: expect.stringContaining('more than a day ago'),
  });
  expect(await has(world.preprod, other.form)).toBe(false);
});

test('while the destination does not answer, a schedule is tried several times before it stops', async () => {
  const { address } = await launch();
  await schedule(address);
  await due();
  const far = { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' };
  const { here } = await openSite(world, 'staging', far);
  const { state, job } = await serve(here);
  expect(state).toBe('running');
  expect(await read(address)).toMatch(
    /Not sent yet. It was due on .* cannot be reached.* tried again at/,
  );
  await run(
    here.sql,
    sql`update job set attempt = ${ATTEMPTS - 1}, run_at = utc_timestamp(3) where id = ${job}`,
  );
  expect(await serve(here)).toMatchObject({
    state: 'stopped',
    problem: expect.stringContaining('cannot be reached'),
  });
});

test('a schedule that tries again is cancelled on its page or by a command, and then not sent', async () => {
  const far = await openSite(world, 'staging', { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' });
  const pm = await far.as('pm');
  const words = ['sign-in', '--email', 'pm@example.com'];
  const oneway = openTerminal(world);
  expect(oneway('staging', words, { input: `${password}\n` }).status).toBe(0);
  for (const way of ['page', 'command'] as const) {
    const { form, address } = await launch(way);
    await schedule(address);
    await due();
    expect((await serve(far.here)).state).toBe('running');
    const page = (await pm.get(`${address}/schedule`).expect(200)).text;
    expect(textOf(page)).toContain('Not sent yet.');
    if (way === 'page') {
      const shown = fieldsOn(page, `action="${address}/schedule/cancellation"`);
      expect((await pm.post(`${address}/schedule/cancellation`, shown)).status).toBe(303);
    } else {
      const [line] = json(oneway('staging', ['schedules', '--json'])) as object[];
      expect(line).toMatchObject({ selection: idOf(address), state: 'running' });
      expect(oneway('staging', ['schedules', 'cancel', idOf(address)])).toMatchObject({
        status: 0,
        stdout: 'The schedule is cancelled. Its rows stay in the selection.\n',
      });
    }
    const { state, job } = await serve();
    expect(state).toBe('cancelled');
    await run(world.staging.sql, sql`update job set run_at = utc_timestamp(3) where id = ${job}`);
    expect((await runJob(world.staging, tasks, job ?? ''))?.report).toContain(
      'pm@example.com cancelled it',
    );
    expect(await has(world.preprod, form)).toBe(false);
  }
  expect(await messages()).toEqual([]);
});

test('a schedule can no longer be cancelled once its transfer has been recorded', async () => {
  const { form, address } = await launch();
  await schedule(address);
  await due();
  await startDue(world.staging);
  const { id, job, selection } = await stored();
  const cancelling = () => schedules.cancel(world.staging, selection, id, 'ops@example.com');
  const refused: unknown[] = [];
  failpoints.reached = async (name) => {
    if (name === 'journal') await cancelling().catch((error: unknown) => refused.push(error));
  };
  await runJob(world.staging, tasks, job ?? '');
  failpoints.reached = () => {};
  expect(refused).toEqual([expect.objectContaining({ status: 409 })]);
  expect(await has(world.preprod, form)).toBe(true);
});

test('a schedule that somebody cancels while its transfer is being planned is not sent', async () => {
  const { sql: on } = world.staging;
  const { form, address } = await launch();
  await schedule(address);
  await due();
  await startDue(world.staging);
  const { id, job } = await stored();
  let running: ReturnType<typeof runJob> | undefined;
  await transaction(on, async (cancelling) => {
    await run(
      cancelling,
      sql`update scheduled_transfer set state = 'cancelled', ended_by = 'ops@example.com' where id = ${id}`,
    );
    running = runJob(world.staging, tasks, job ?? '');
    await until(() =>
      first(
        on,
        sql`select id from information_schema.processlist
             where id <> connection_id() and db = database()
               and info like '%from scheduled_transfer where id%for update'`,
      ),
    );
  });
  expect((await running)?.report).toContain('ops@example.com cancelled it');
  expect(await has(world.preprod, form)).toBe(false);
});

test('a server that dies after sending a scheduled selection does not send it a second time', async () => {
  const { staging } = world;
  const { address } = await launch();
  await schedule(address);
  await due();
  const { id, job, transfer: sent } = await serve();
  await run(
    staging.sql,
    sql`update scheduled_transfer set state = 'running', transfer = null, ended_at = null where id = ${id}`,
  );
  await run(staging.sql, sql`update job set state = 'waiting', ended_at = null where id = ${job}`);
  expect(await serve()).toMatchObject({ state: 'sent', transfer: sent });
  const journal = await select(staging.sql, sql`select id from transfer where kind = 'transfer'`);
  expect(journal).toHaveLength(1);
});

test('two servers that carry out the same schedule at the same time send it once, even if the Redis of one of them loses the job', async () => {
  const { form, address } = await launch();
  await schedule(address);
  const { staging } = world;
  const queues = await Promise.all([workers.open(staging, tasks), workers.open(staging, tasks)]);
  const lost = { push: () => Promise.resolve() };
  await due();
  const halts = queues.map((queue, index) => {
    const process = { ...staging, halt: new AbortController() };
    const chore = startScheduled(index === 0 ? queue : lost);
    const stop = startChores(process, [{ name: 'scheduled', everyMs: 20, run: chore }]);
    return () => {
      process.halt.abort();
      return stop();
    };
  });
  await until(async () => (await stored()).state === 'sent');
  for (const halt of halts) await halt();
  expect(await has(world.preprod, form)).toBe(true);
  const sent = await select(staging.sql, sql`select id from transfer where kind = 'transfer'`);
  expect(sent).toHaveLength(1);
  expect(await jobs.newest(staging.sql, 'scheduled-transfer')).toHaveLength(1);
  expect(await messages()).toHaveLength(1);
});

test('a selection can be scheduled only for a valid future time, and the schedule can be changed and cancelled on its page', async () => {
  const { address } = await launch();
  const past = await schedule(address, { run_at: '2024-05-01T09:00' });
  expect([past.status, textOf(past.text)]).toEqual([422, expect.stringContaining('has passed')]);
  const clock = { run_at: '2027-03-28T02:30', run_at_zone: 'Europe/Berlin' };
  expect(textOf((await schedule(address, clock)).text)).toContain('clocks go forward');
  const clicked = { run_at: inAWeek(), run_at_zone: 'Asia/Kolkata' };
  expect((await schedule(address, clicked)).status).toBe(303);
  expect((await schedule(address, clicked)).status).toBe(303);
  const shown = await shownOn(address);
  expect((await schedule(address)).status).toBe(409);
  expect((await schedule(address, { schedule: shown })).status).toBe(303);
  expect((await client.post(`${address}/schedule/cancellation`, { schedule: shown })).status).toBe(
    409,
  );
  expect((await client.post(`${address}/removal`, {})).status).toBe(409);
  const vic = await site.as('vic');
  expect((await vic.get(`${address}/schedule`)).status).toBe(403);
  expect((await vic.post(`${address}/schedule`, { run_at: inAWeek() })).status).toBe(403);
  expect((await vic.get('/pending')).text).not.toContain('Launch');
  const present = { schedule: await shownOn(address) };
  await client.post(`${address}/schedule/cancellation`, present);
  expect(await read(address)).toMatch(/The schedule for .* was cancelled by pm/i);
  await due();
  expect((await serve()).state).toBe('cancelled');
});
