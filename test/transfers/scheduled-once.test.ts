// A scheduled selection is never sent twice, whatever else happens at the same time, and its page and messages report
// correctly whether it was sent.
import { afterEach, expect, test } from 'vitest';
import { failpoints } from '../../src/database/failpoints.ts';
import { run, sql, transaction } from '../../src/database/sql.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { recover } from '../../src/writing/recovery.ts';
import { until } from '../support/jobs.ts';
import { openSite, textOf, useClient, useSite } from '../support/people.ts';
import { change, get, has } from '../support/rows.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { idOf, startDue, useSchedules } from '../support/scheduling.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const client = useClient(site, 'pm');
const { launch, schedule, stored, due, serve, messages, shownOn } = useSchedules(world, client);

const open = async (address: string) => (await client.get(address).expect(200)).text;
const read = async (address: string) => textOf(await open(address));

afterEach(() => {
  failpoints.reached = () => {};
});

test('a scheduled selection is announced as scheduled and not as unsent, and is not sent a second time when a person sends it before its time', async () => {
  const { form, address } = await launch();
  expect(await read(address)).toContain('Nothing changes until you confirm.');
  expect(await read('/')).toContain('1 selection is not sent yet');
  await schedule(address);
  expect(await read(address)).toContain(
    'Nothing changes before the scheduled time unless you confirm.',
  );
  expect(await read('/')).toContain('1 selection is scheduled');
  expect(await read('/')).not.toContain('selection is not sent yet');
  for (const page of ['/pending', '/jobs']) {
    expect(await read(page)).toContain('Launch is scheduled for');
  }
  await client.post('/transfers', fieldsOn(await open(address), 'id="sheet"'));
  await change(world.staging, form, { name: 'Nobody chose this' });
  expect(await serve()).toMatchObject({
    state: 'stopped',
    problem: expect.stringMatching(/sent already as transfer \d+/),
  });
  expect((await get(world.preprod, form))['name']).toBe('Visit');
  expect(await messages()).toHaveLength(1);
  expect(await read('/pending')).not.toContain('is scheduled for');
});

test('when the job of a schedule fails after its transfer was sent, the schedule counts as sent', async () => {
  const { address } = await launch();
  await schedule(address);
  await due();
  const { id, job, transfer } = await serve();
  const { sql: on } = world.staging;
  await run(
    on,
    sql`update scheduled_transfer set state = 'running', transfer = null, ended_at = null where id = ${id}`,
  );
  await run(on, sql`update job set state = 'failed', problem = 'It crashed' where id = ${job}`);
  await startDue(world.staging);
  expect(await stored()).toMatchObject({ state: 'sent', transfer, problem: null });
});

test('a scheduled transfer that fails with an unexpected error and is completed by recovery is reported as sent', async () => {
  const { form, address } = await launch();
  await schedule(address);
  await due();
  let isReached = false;
  failpoints.reached = (name) => {
    if (name !== 'claim') return;
    isReached = true;
    throw new Error('a bug');
  };
  const { here } = site;
  const served = serve();
  await until(async () => {
    if (!isReached) return false;
    failpoints.reached = () => {};
    await run(here.sql, sql`update transfer set lease_until = utc_timestamp(3)`);
    return (await recover({ here, there: here.destination, lease: 5000, log: here.log })) > 0;
  });
  expect(await served).toMatchObject({ state: 'sent', problem: null });
  expect(await has(world.preprod, form)).toBe(true);
});

test('while a scheduled selection is being sent, no row is added to it or removed from it', async () => {
  const { form, address } = await launch();
  await schedule(address);
  await due();
  await startDue(world.staging);
  const rows = `form:${form.id}`;
  for (const change of [
    client.post('/selections/additions', { rows, into: idOf(address) }),
    client.post(`${address}/rows/removal`, { rows }),
  ]) {
    const { status, text } = await change;
    expect([status, textOf(text)]).toEqual([409, expect.stringContaining('is being sent now')]);
  }
  expect((await serve()).state).toBe('sent');
});

test('if a scheduled transfer needs attention, no message claims that the selection was not transferred', async () => {
  const { address } = await launch();
  await schedule(address);
  await due();
  const { id, job } = await serve();
  const { sql: on } = world.staging;
  await run(on, sql`delete from message`);
  await run(on, sql`update transfer set state = 'needs_attention', problem = 'Look at it'`);
  await run(
    on,
    sql`update scheduled_transfer set state = 'running', transfer = null, ended_at = null where id = ${id}`,
  );
  await run(on, sql`update job set state = 'waiting', ended_at = null where id = ${job}`);
  expect((await serve()).state).toBe('stopped');
  expect(await messages()).toEqual([]);
  expect((await jobs.byId(on, job ?? ''))?.report).toContain('It needs attention. Transfer');
});

test('a due schedule starts while a person changes its selection, without a deadlock', async () => {
  const { address } = await launch();
  await schedule(address);
  await due();
  const started = await transaction(world.staging.sql, async (on) => {
    await run(on, sql`update selection set name = 'Launch' where id = ${idOf(address)}`);
    const starts = startDue(world.staging).then(() => true);
    return Promise.race([starts, new Promise((done) => setTimeout(() => done(false), 1500))]);
  });
  expect(started).toBe(true);
});

test('a schedule can be found and cancelled while the destination does not answer, and a second click on Cancel changes nothing', async () => {
  const { address } = await launch();
  await schedule(address);
  const silent = await openSite(world, 'staging', { UNI_DIR_DESTINATION_SQL_DB_PORT: '1' });
  const pm = await silent.as('pm');
  expect((await pm.get(address)).status).toBe(503);
  expect((await pm.get('/selections')).text).toContain(`href="${address}/schedule"`);
  const page = (await pm.get(`${address}/schedule`)).text;
  const shown = fieldsOn(page, `action="${address}/schedule/cancellation"`);
  expect(shown['schedule']).toBe(await shownOn(`${address}/schedule`));
  for (const click of [1, 2]) {
    const { status } = await pm.post(`${address}/schedule/cancellation`, shown);
    expect([click, status]).toEqual([click, 303]);
  }
  expect((await stored()).state).toBe('cancelled');
});
