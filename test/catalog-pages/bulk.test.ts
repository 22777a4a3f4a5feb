// Tests the actions that change many rows of a list: who may perform them, which rows they skip and why, and that each
// row is written and audited as if a user changed it on the page of the row.
import { describe, expect, test } from 'vitest';
import { insertRows } from '../../src/database/bulk.ts';
import { BULK } from '../../src/catalog-pages/bulk-job.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { first, run, select, sql } from '../../src/database/sql.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { retry } from '../../src/jobs/retry.ts';
import { runJob } from '../../src/jobs/runner.ts';
import * as people from '../../src/people/people.ts';
import { tasks as allTasks } from '../../src/tasks.ts';
import { hold } from '../../src/transfers/hold.ts';
import { readStates } from '../../src/state/row-state.ts';
import { add, change, ed, get, has } from '../support/rows.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { statementsOf } from '../support/statements.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');
const back = '/catalog/task?active=yes';

type Posted = Record<string, string | string[]>;

const forms = (names: string[]) =>
  Promise.all(names.map((name) => add(world.staging, 'form', { name })));
const rowsOf = (entity: string, ids: number[]) => ids.map((id) => `${entity}:${id}`);

/**
 * Opens the confirmation page of an action on the ticked rows; returns its text, and a function
 * that confirms.
 */
const ask = async (action: string, entity: string, posted: Posted) => {
  const { text, status } = await ana.post(`/bulk/${entity}/${action}`, { return: back, ...posted });
  expect(status).toBe(200);
  const fields = fieldsOn(text, `/bulk/${entity}/${action}/confirmation"`);
  const confirm = async (also: object = {}) =>
    ana.post(`/bulk/${entity}/${action}/confirmation`, { ...fields, ...also });
  return { text: textOf(text), fields, confirm };
};
/** Types a value for many rows that is refused; returns the text of the page. */
const refused = async (entity: string, typed: Posted) => {
  const { status, text } = await ana.post(`/bulk/${entity}/value`, typed);
  expect(status).toBe(422);
  return textOf(text);
};
const idOf = async (email: string) =>
  (
    await first<{ id: number }>(
      world.staging.sql,
      sql`select id from person where email = ${email}`,
    )
  )?.id ?? 0;
const numberIn = ({ headers }: { headers: Record<string, string> }) =>
  Number(headers['location']?.split('/').at(-1));
/** Runs a job that is interrupted after the write with this number. */
async function interruptedAt(number: number, run: () => Promise<jobs.Job | undefined>) {
  const { reached } = failpoints;
  let written = 0;
  failpoints.reached = (name) => {
    if (name === 'after commit') written += 1;
    if (written === number) throw new Error('Broken off');
  };
  const job = await run();
  failpoints.reached = reached;
  return job;
}
const notice = async () => textOf((await ana.get('/catalog/task')).text);
const auditOf = async (action: string) =>
  select<{ subject: string }>(
    world.staging.sql,
    sql`select subject from audit where action = ${action} order by subject`,
  );

describe('actions that change many rows of a list', () => {
  test('marking many rows Not for production skips rows that are already marked, and writes one audit line for each marked row', async () => {
    const ids = await forms(['One', 'Two “quoted” 🪔', 'Three']);
    const [first = 0] = ids;
    await (await ask('hold', 'form', { rows: rowsOf('form', [first]) })).confirm();
    const { text, confirm } = await ask('hold', 'form', { rows: rowsOf('form', ids) });
    expect(text).toContain('Mark Not for production: 2 forms');
    expect(text).toContain('1 row skipped');
    expect(text).toContain('One – already marked by pm');
    const answer = await confirm({ reason: 'After Diwali' });
    expect([answer.status, answer.headers['location']]).toEqual([
      303,
      `${back}&ticked=${ids.join('.')}`,
    ]);
    expect(await notice()).toContain('2 forms marked Not for production.');
    const list = (await ana.get(`/catalog/form?ticked=${ids.join('.')}`)).text;
    expect(list.match(/value="form:\d+"\s+checked/g)).toHaveLength(3);
    const states = await readStates(
      world.staging.sql,
      ids.map((id) => ({ entity: 'form', id })),
    );
    expect(ids.map((id) => states.get(`form:${id}`)?.held_reason)).toEqual([
      null,
      'After Diwali',
      'After Diwali',
    ]);
    expect(await auditOf('marked Not for production')).toHaveLength(3);
    await confirm({ reason: 'After Diwali' });
    expect(await auditOf('marked Not for production')).toHaveLength(3);
  });

  test('an action for all rows of a list changes the rows that its filters find, on every page of the list', async () => {
    const business = await add(world.staging, 'business');
    for (const title of ['Cab one', 'Cab two', 'Flowers']) {
      await add(world.staging, 'task', { business, title });
    }
    const chosen = { everything: 'yes', query: 'q=Cab&status=New&status=Changed+here' };
    const { text, confirm } = await ask('hold', 'task', chosen);
    expect(text).toContain('Mark Not for production: 2 tasks');
    await confirm();
    const shown = textOf((await ana.get('/catalog/task?tab=held')).text);
    expect(shown).toContain('Cab two');
    expect(shown).not.toContain('Flowers');
  });

  test('setting a field in many rows validates the value, and skips a row in which someone else changed that field', async () => {
    const business = await add(world.staging, 'business');
    const ids: number[] = [];
    for (const title of ['One', 'Two', 'Three']) {
      ids.push(await add(world.staging, 'task', { business, title, priority: 1 }));
    }
    const [one = 0, two = 0, three = 0] = ids;
    const rows = rowsOf('task', ids);
    const refusal = await refused('task', { rows, field: 'priority', priority: '5000' });
    expect(refusal).toContain('Priority must be');
    for (const field of ['cities', 'constructor']) {
      expect(await refused('task', { rows, field, [field]: '1' })).toContain('from the list');
    }
    const { confirm } = await ask('value', 'task', { rows, field: 'priority', priority: '7' });
    await change(world.staging, { entity: 'task', id: two }, { priority: 2 }, ed);
    await change(world.staging, { entity: 'task', id: three }, { message: 'Kept' }, ed);
    expect((await confirm({ priority: '5000' })).status).toBe(422);
    expect((await confirm()).status).toBe(303);
    const said = await notice();
    expect(said).toContain('2 tasks changed. Skipped: “Two”');
    const priorities = [one, two, three].map(async (id) =>
      get(world.staging, { entity: 'task', id }),
    );
    expect((await Promise.all(priorities)).map((row) => [row['priority'], row['message']])).toEqual(
      [
        [7, null],
        [2, null],
        [7, 'Kept'],
      ],
    );
  });

  test('a text is set in many rows and emptied again; rows that have it already are named and skipped, and unique names are not offered', async () => {
    const business = await add(world.staging, 'business');
    const message = 'First “line”\nsecond 🪔';
    const ids = [
      await add(world.staging, 'task', { business, title: 'One' }),
      await add(world.staging, 'task', { business, title: 'Two', message }),
    ];
    const rows = rowsOf('task', ids);
    const messages = async () =>
      (await Promise.all(ids.map((id) => get(world.staging, { entity: 'task', id })))).map(
        (row) => row['message'],
      );
    const typed = { rows, field: 'message', message: message.replace('\n', '\r\n') };
    const setting = await ask('value', 'task', typed);
    expect(setting.text).toContain('Set message: 1 task');
    expect(setting.text).toContain('1 row skipped Two – has this value already');
    const choosing = await ana.post('/bulk/task/value', { ...setting.fields, change: 'yes' });
    expect(textOf(choosing.text)).toContain('Set a value: 2 tasks');
    expect(textOf(choosing.text)).toContain('First “line” second 🪔');
    expect((await setting.confirm()).status).toBe(303);
    expect(await messages()).toEqual([message, message]);
    const emptying = await ask('value', 'task', { rows, field: 'message', message: '' });
    expect(emptying.text).toContain('Empty message: 2 tasks');
    await emptying.confirm();
    expect(await messages()).toEqual([null, null]);
    expect(await refused('task', { rows, field: 'title', title: ' ' })).toContain('Title');
    const long = await refused('task', { rows, field: 'title', title: 'x'.repeat(121) });
    expect(long).toContain('Title must be 120 characters or fewer');
    const offered = (await ana.post('/bulk/business/value', { rows: `business:${business}` })).text;
    expect([...offered.matchAll(/name="field" value="(\w+)"/g)].map(([, name]) => name)).toEqual([
      'category',
      'description',
      'active',
      'priority',
    ]);
  });

  test('a reference is set in many rows by its title or ID, and a title that two rows have, or no row, is refused', async () => {
    const [from, to] = [
      await add(world.staging, 'business', { name: 'From' }),
      await add(world.staging, 'business', { name: 'Metro “Cabs” #7' }),
    ];
    const ids = [
      await add(world.staging, 'external_tool', { business: from, name: 'Pay' }),
      await add(world.staging, 'external_tool', { business: to, name: 'Map' }),
    ];
    const rows = rowsOf('external_tool', ids);
    const unknown = await refused('external_tool', { rows, field: 'business', business: 'Nobody' });
    expect(unknown).toContain('There is no business “Nobody”. Choose one from the list');
    const gone = await refused('external_tool', { rows, field: 'business', business: '#999999' });
    expect(gone).toContain('there is no business 999999');
    const page = await ana.post('/bulk/external_tool/value', { rows });
    expect(page.text).toMatch(/name="business"[^>]*data-options="\/catalog\/business\/options"/s);
    const typed = { rows, field: 'business', business: 'Metro “Cabs” #7' };
    const { text, confirm } = await ask('value', 'external_tool', typed);
    expect(text).toContain('Set business: 1 external tool');
    expect(text).toContain('New value Business Metro “Cabs” #7 1 external tool Pay ID');
    expect(text).toContain('Map – has this value already');
    expect((await confirm()).status).toBe(303);
    const [pay = 0] = ids;
    const tool = { entity: 'external_tool', id: pay };
    expect(await get(world.staging, tool)).toMatchObject({ business: to });
    const task = await add(world.staging, 'task', { business: to, title: 'Twin' });
    await add(world.staging, 'task', { business: from, title: 'Twin' });
    const receipt = await add(world.staging, 'order_receipt', { task });
    const twins = { rows: rowsOf('order_receipt', [receipt]), field: 'task', task: 'Twin' };
    expect(await refused('order_receipt', twins)).toContain('the title of more than one task');
  });

  test('a time is set in many rows in the zone of the person, and rows whose rules it breaks are named as refused and stay', async () => {
    const banner = (title: string, end: string | null) =>
      add(world.staging, 'banner', { title, end });
    const ids = [
      await banner('Open', null),
      await banner('Past', '2026-01-01T00:00:00.000Z'),
      await banner('Later', '2027-01-01T00:00:00.000Z'),
    ];
    const at = (start: string, zone: string) => ({
      rows: rowsOf('banner', ids),
      field: 'start',
      start,
      start_zone: zone,
    });
    const skipped = await refused('banner', at('2026-03-29T02:30', 'Europe/Berlin'));
    expect(skipped).toContain('Start does not exist in Europe/Berlin');
    const twice = await refused('banner', at('2026-10-25T02:30', 'Europe/Berlin'));
    expect(twice).toContain('Exists twice: choose…');
    const { text, confirm } = await ask('value', 'banner', at('2026-11-05T09:30', 'Asia/Kolkata'));
    expect(text).toContain('Set start: 2 banners');
    expect(text).toContain('Start 5 Nov 2026, 04:00 UTC 2 banners Open');
    expect(text).toContain('1 row refused Past – End must be later than start');
    await change(
      world.staging,
      { entity: 'banner', id: ids[2] ?? 0 },
      { end: '2026-10-01T00:00:00.000Z' },
    );
    await confirm();
    const rows = await Promise.all(ids.map((id) => get(world.staging, { entity: 'banner', id })));
    expect(rows.map(({ start }) => start)).toEqual(['2026-11-05T04:00:00.000Z', null, null]);
  });

  test('rows that are moved to another parent row are refused where their order number is taken, by a row there or one that moves before', async () => {
    const [one = 0, two = 0, target = 0] = await forms(['One', 'Two', 'Target']);
    const field = (form: number, order: number, label: string) =>
      add(world.staging, 'form_field', { form, order, label });
    await field(target, 1, 'There');
    const ids = [
      await field(one, 1, 'Taken'),
      await field(one, 2, 'Moves'),
      await field(two, 2, 'Second'),
    ];
    const moving = { rows: rowsOf('form_field', ids), field: 'form', form: `#${target}` };
    const { text, confirm } = await ask('value', 'form_field', moving);
    expect(text).toContain('Form Target 1 form field Moves');
    expect(text).toContain('Taken – Order 1 is already that of “There”');
    expect(text).toContain('Second – Order 2 is already that of “Moves”');
    expect((await confirm()).status).toBe(303);
    const rows = await Promise.all(
      ids.map((id) => get(world.staging, { entity: 'form_field', id })),
    );
    expect(rows.map(({ form }) => form)).toEqual([one, target, two]);
  });

  test('deleting many rows also deletes their dependent rows, and skips rows that other rows use or that were changed meanwhile', async () => {
    const used = await add(world.staging, 'business', { name: 'Used' });
    const free = await add(world.staging, 'business', { name: 'Free' });
    const changed = await add(world.staging, 'business', { name: 'Changed' });
    await add(world.staging, 'task', { business: used, title: 'Book a cab' });
    const tool = await add(world.staging, 'external_tool', { business: free });
    const rows = rowsOf('business', [used, free, changed]);
    const { text, confirm } = await ask('deletion', 'business', { rows });
    expect(text).toContain('Delete: 2 businesses');
    expect(text).toContain('Used – still used by “Book a cab”');
    await change(world.staging, { entity: 'business', id: changed }, { description: 'New' }, ed);
    await confirm();
    expect(await notice()).toContain('1 business deleted here. Skipped: “Changed”: It has changed');
    const there = [used, free, changed].map((id) => has(world.staging, { entity: 'business', id }));
    expect(await Promise.all(there)).toEqual([true, false, true]);
    expect(await has(world.staging, { entity: 'external_tool', id: tool })).toBe(false);
  });

  test('setting a field in many rows is refused if a value was typed in a second field whose button was not pressed', async () => {
    const id = await add(world.staging, 'business', { priority: 1 });
    const rows = rowsOf('business', [id]);
    const both = await refused('business', { rows, field: 'active', active: 'no', priority: '7' });
    expect(both).toContain('press the button of Priority');
    expect(await get(world.staging, { entity: 'business', id })).toMatchObject({
      active: true,
      priority: 1,
    });
  });

  test('removing holds from many rows skips a row that was deleted meanwhile, and the message names this row', async () => {
    const ids = await forms(['Held', 'Gone', 'Free']);
    const [, gone = 0] = ids;
    const rows = rowsOf('form', ids);
    await (await ask('hold', 'form', { rows: rows.slice(0, 2) })).confirm();
    const { text, confirm } = await ask('hold-removal', 'form', { rows });
    expect(text).toContain('Free – not marked Not for production');
    await (await ask('deletion', 'form', { rows: rowsOf('form', [gone]) })).confirm();
    await confirm();
    const said = await notice();
    expect(said).toContain('1 form no longer marked Not for production.');
    expect(said).toContain(`“Form ${gone}”: not here any more`);
    expect(await auditOf('unmarked Not for production')).toEqual([{ subject: 'Held' }]);
  });

  test('an action for all rows of a list uses the filters that the page showed, and is refused on the tab of deleted rows', async () => {
    await forms(['What?', 'Other']);
    const list = (await ana.get('/catalog/form?q=t?&sort=name').expect(200)).text;
    expect(list).toContain('name="query" value="q=t%3F&amp;sort=name"');
    const deleted = { everything: 'yes', query: 'tab=deleted' };
    expect((await ana.post('/bulk/form/deletion', deleted)).status).toBe(422);
  });

  test('adopting engineering changes of many rows skips rows without such a change, and rows that were changed after the page was shown', async () => {
    const ids = await forms(['Mine', 'Engineering', 'Engineering again']);
    const [, second = 0, third = 0] = ids;
    for (const id of [second, third]) {
      await change(world.staging, { entity: 'form', id }, { description: 'By Ed' }, ed);
    }
    const { text, confirm } = await ask('adoption', 'form', { rows: rowsOf('form', ids) });
    expect(text).toContain('Mine – not changed by engineering');
    await change(world.staging, { entity: 'form', id: third }, { description: 'Again' }, ed);
    await confirm();
    expect(await auditOf('adopted')).toEqual([{ subject: 'Engineering' }]);
    expect(await notice()).toContain('1 form adopted. Skipped: “Engineering again”');
  });

  test('an action on more than 200 rows runs as a job, which skips rows changed meanwhile and continues after an interruption', async () => {
    const business = await add(world.staging, 'business');
    const one = { business_id: business, active: true, priority: 1 };
    const tasks = Array.from({ length: 202 }, (_, index) => ({
      ...one,
      id: 900 + index,
      title: `Cab ${index}`,
      modified_at: '2026-11-01 10:00:00.000',
    }));
    await insertRows(world.staging.sql, 'task', tasks);
    await hold(world.staging, 'ed@example.com', { entity: 'task', id: 900 }, null);
    const chosen = { everything: 'yes', query: 'q=Cab' };
    const statements = await statementsOf(() => ask('hold', 'task', chosen));
    expect(statements).toBeLessThan(80);
    expect(textOf((await ana.post('/bulk/task/value', chosen)).text)).toContain(
      'Set a value: 202 tasks',
    );
    const typed = { ...chosen, field: 'priority', priority: '7' };
    expect(await statementsOf(() => ask('value', 'task', typed))).toBeLessThan(80);
    const { text, confirm } = await ask('value', 'task', typed);
    expect(text).toContain('Set priority: 202 tasks');
    await change(world.staging, { entity: 'task', id: 901 }, { priority: 3 }, ed);
    const overtaken = await confirm();
    expect(overtaken.status).toBe(422);
    expect(textOf(overtaken.text)).toContain('Some of these rows have changed since');
    expect((await confirm({ priority: '5000' })).status).toBe(422);
    const second = await ask('value', 'task', typed);
    const answer = await second.confirm();
    expect(answer.headers['location']).toMatch(/^\/jobs\/\d+$/);
    // Sending the same confirmation twice starts only one job.
    const twice = await second.confirm();
    expect(twice.headers['location']).toBe(answer.headers['location']);
    const other = await second.confirm({ priority: '8' });
    expect(other.headers['location']).not.toBe(answer.headers['location']);
    await run(
      world.staging.sql,
      sql`update job set state = 'cancelled' where number = ${numberIn(other)}`,
    );
    await change(world.staging, { entity: 'task', id: 902 }, { priority: 4 }, ed);
    const job = await jobs.byNumber(world.staging.sql, numberIn(answer));
    await runJob(world.staging, allTasks, job?.id ?? '');
    const shown = textOf((await ana.get(answer.headers['location'] ?? '')).text);
    expect(shown).toContain('201 tasks changed. 1 row skipped: Cab 2 –');
    const counted = await select<{ priority: number; number: number }>(
      world.staging.sql,
      sql`select priority, count(*) as number from task group by priority order by priority`,
    );
    expect(counted).toEqual([
      { priority: 4, number: 1 },
      { priority: 7, number: 201 },
    ]);
    const held = await ask('hold', 'task', chosen);
    expect(held.text).toContain('Mark Not for production: 201 tasks');
    expect(held.text).toContain('1 row skipped');
    expect((await held.confirm({ reason: 'Diwali' })).status).toBe(303);
    const [holding] = await jobs.newest(world.staging.sql, BULK);
    const deleted = await (await ask('deletion', 'task', chosen)).confirm();
    const { id = '' } = (await jobs.byNumber(world.staging.sql, numberIn(deleted))) ?? {};
    const broken = await interruptedAt(20, () => runJob(world.staging, allTasks, id));
    if (broken) await retry(world.staging, allTasks, broken, { person: ed.email, from: 'start' });
    await runJob(world.staging, allTasks, id);
    const report = textOf((await ana.get(deleted.headers['location'] ?? '')).text);
    expect(report).toContain('202 tasks deleted here. Open the list');
    await people.setActive(world.staging, 'ops@example.com', await idOf('pm@example.com'), false);
    await runJob(world.staging, allTasks, holding?.id ?? '');
    const ended = await jobs.byId(world.staging.sql, holding?.id ?? '');
    expect([ended?.state, ended?.problem]).toEqual([
      'failed',
      'pm@example.com may not do this any more.',
    ]);
    await people.setActive(world.staging, 'ops@example.com', await idOf('pm@example.com'), true);
  });

  test('the page of a job for many rows that was cancelled or has failed names how many rows it changed, which it skipped, and which it did not reach', async () => {
    const { sql: on } = world.staging;
    const business = await add(world.staging, 'business');
    const tasks = Array.from({ length: 260 }, (_, index) => ({
      id: 2000 + index,
      business_id: business,
      active: true,
      priority: 1,
      title: `Cab “${index}” 🪔`,
      modified_at: '2026-11-01 10:00:00.000',
    }));
    await insertRows(on, 'task', tasks);
    const start = async (message: string) => {
      const chosen = { everything: 'yes', query: 'q=Cab' };
      const { confirm } = await ask('value', 'task', { ...chosen, field: 'message', message });
      const { headers } = await confirm();
      const path = headers['location'] ?? '';
      const job = await jobs.byNumber(on, Number(path.split('/').at(-1)));
      return { path, id: job?.id ?? '' };
    };
    const cancelled = await start('Namaste “🪔”');
    await change(world.staging, { entity: 'task', id: 2258 }, { message: 'By Ed' }, ed);
    let written = 0;
    const { reached } = failpoints;
    failpoints.reached = async (name) => {
      if (name === 'after commit') written += 1;
      if (written === 15)
        await run(
          on,
          sql`update job set cancelled_by = 'ops@example.com' where id = ${cancelled.id}`,
        );
    };
    await runJob(world.staging, allTasks, cancelled.id);
    failpoints.reached = reached;
    const { text: page } = await ana.get(cancelled.path);
    const shown = textOf(page);
    expect(shown).toContain('19 tasks changed. 1 row skipped: Cab “258” 🪔 –');
    expect(shown).toContain('240 rows not reached: Cab “239” 🪔 Cab “238” 🪔');
    expect(shown).toContain('and 190 more');
    expect(page).toContain('<a href="/catalog/task/2239">Cab “239” 🪔</a>');
    const closed = await start('Other');
    await people.setActive(world.staging, 'ops@example.com', await idOf('pm@example.com'), false);
    await runJob(world.staging, allTasks, closed.id);
    await people.setActive(world.staging, 'ops@example.com', await idOf('pm@example.com'), true);
    const { text: failed } = await (await site.as('ops')).get(closed.path);
    expect(textOf(failed)).toContain('0 tasks changed. 260 rows not reached:');
  });

  test('an action for many rows is refused without the permission for it, and for an invalid form', async () => {
    const [id = 0] = await forms(['One']);
    const rows = rowsOf('form', [id]);
    const editor = await site.as('ed');
    const viewer = await site.as('vic');
    expect((await editor.post('/bulk/form/hold/confirmation', { rows })).status).toBe(403);
    expect((await editor.post('/bulk/form/deletion', { rows })).status).toBe(200);
    expect((await viewer.post('/bulk/form/deletion/confirmation', { rows })).status).toBe(403);
    expect((await editor.get('/catalog/form')).text).not.toContain('/bulk/form/hold');
    expect((await viewer.get('/catalog/form')).text).not.toContain('/bulk/');
    const torn = { rows, seen: '[["x"]]' };
    expect((await ana.post('/bulk/form/hold/confirmation', torn)).status).toBe(422);
  });
});
