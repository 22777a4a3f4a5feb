// Helpers for tests of transfers at a scheduled time: they schedule a selection (chosen rows) through the pages, and do
// what a server does when the scheduled time has come.
import { first, run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { runJob } from '../../src/jobs/runner.ts';
import type { ScheduledTransfer } from '../../src/sheet/schedules.ts';
import { tasks } from '../../src/tasks.ts';
import { startScheduled } from '../../src/transfers/scheduled-job.ts';
import type { Client } from './people.ts';
import { add } from './rows.ts';
import type { World } from './world.ts';

export const idOf = (address: string) => address.split('/')[2] ?? '';

export const inAWeek = () => new Date(Date.now() + 7 * 24 * 3600_000).toISOString().slice(0, 16);

/**
 * Requests the jobs of scheduled transfers that are due, as a server does regularly. The jobs are put into no queue,
 * because the tests run them directly.
 */
export const startDue = startScheduled({ push: () => Promise.resolve() });

export function useSchedules(world: World, client: Client) {
  /** Creates a selection (chosen rows) named *Launch* with one new form. */
  async function launch(name = 'Visit') {
    const form = { entity: 'form', id: await add(world.staging, 'form', { name }) };
    const begun = await client.post('/selections/new', { name: 'Launch' });
    const address = begun.headers['location'] ?? '';
    const into = idOf(address);
    await client.post('/selections/additions', { rows: `form:${form.id}`, into });
    return { form, address };
  }

  const schedule = (address: string, more: Record<string, string> = {}) =>
    client.post(`${address}/schedule`, {
      run_at: inAWeek(),
      run_at_zone: 'UTC',
      reason: 'Opening of the shop',
      ...more,
    });

  const stored = async () =>
    (await first<ScheduledTransfer>(
      world.staging.sql,
      sql`select * from scheduled_transfer order by created_at desc limit 1`,
    )) as ScheduledTransfer;

  /** Moves the scheduled time of the waiting transfer to the past, so that the transfer is due. */
  const due = (hoursAgo = 0) =>
    run(
      world.staging.sql,
      sql`update scheduled_transfer set run_at = utc_timestamp(3) - interval ${hoursAgo} hour
           where state = 'waiting'`,
    );

  /**
   * Starts the scheduled transfers that are due and runs their jobs, as a server does. Returns the scheduled transfer
   * afterwards.
   */
  async function serve(here: App = world.staging) {
    await startDue(here);
    const { job } = await stored();
    if (job) await runJob(here, tasks, job);
    return stored();
  }

  const messages = async (person = 'pm@example.com') =>
    (
      await select<{ event: string; text: string }>(
        world.staging.sql,
        sql`select event, text from message where person = ${person} order by id`,
      )
    ).map(({ event, text }) => `${event}: ${text}`);

  /** Reads from a page the id of the scheduled transfer, as a form posts it; empty if the page shows none. */
  const shownOn = async (address: string) =>
    /name="schedule" value="([^"]*)"/.exec((await client.get(address)).text)?.[1] ?? '';

  return { launch, schedule, stored, due, serve, messages, shownOn };
}
