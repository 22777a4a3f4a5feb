// A write notifies, in its own commit, the people whose edits or pending changes it affects: once for each person and
// cause, and never the person who made the write.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { v4 as uuid } from 'uuid';
import { failpoints } from '../../src/database/failpoints.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import * as outbox from '../../src/messages/outbox.ts';
import * as people from '../../src/people/people.ts';
import { send } from '../../src/transfers/send.ts';
import * as adoption from '../../src/transfers/adoption.ts';
import { readStates } from '../../src/state/row-state.ts';
import type { Author } from '../../src/state/row-state.ts';
import { refreshNow } from '../support/scenario.ts';
import { addTo, type AffectedByPerson } from '../../src/writing/affected.ts';
import { hire } from '../support/people.ts';
import { add, change, ed, pm, routeFrom, sheet, transfer, undoSheet } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const ana: Author = { email: 'ana@example.com', isProductManager: true };
/** Matches a text that contains the given text. */
const saying = (text: string | RegExp): unknown => expect.stringMatching(text);
const keyOf = (entity: string, id: number) => ({ entity, id });

beforeEach(async () => {
  for (const role of ['pm', 'ed', 'oncall']) await hire(world.staging, role);
  await people.add(world.staging, 'test', { name: 'Ana', email: ana.email });
});
afterEach(() => {
  failpoints.reached = () => {};
});

type Noted = { event: string; text: string; href: string | null };
const messagesOf = (person: string, here: App = world.staging) =>
  select<Noted>(
    here.sql,
    sql`select event, text, href from message where person = ${person} order by id`,
  );
const eventsOf = async (person: string) => (await messagesOf(person)).map(({ event }) => event);

async function undoBy(person: string, sent: Awaited<ReturnType<typeof transfer>>) {
  const { selection, plan } = await undoSheet(world.staging, sent);
  const click = { planHash: plan.hash, idempotencyKey: uuid(), name: selection.name, person };
  return send(routeFrom(world.staging), selection, { ...click, reason: 'Wrong city' });
}

test('when an engineer saves a row that waits to be transferred, everyone who changed or adopted it is notified once that it needs adoption', async () => {
  const { staging } = world;
  const form = keyOf('form', await add(staging, 'form', { name: 'Quiz “A” 🙂' }, ana));
  const field = keyOf('form_field', await add(staging, 'form_field', { form: form.id }, ed));
  const state = (await readStates(staging.sql, [form])).get(`form:${form.id}`);
  await adoption.adopt(staging, pm.email, form, state?.engineering_at ?? '');
  expect([await messagesOf(pm.email), await messagesOf(ana.email)]).toEqual([[], []]);
  await change(staging, field, { label: 'Later' }, ed);
  await change(staging, field, { label: 'Later still' }, ed);
  expect(await messagesOf(pm.email)).toEqual(await messagesOf(ana.email));
  expect(await messagesOf(ana.email)).toEqual([
    {
      event: 'adoption.lapsed',
      text: saying('ed@example.com saved “Quiz “A” 🙂” after you.'),
      href: `/catalog/form/${form.id}`,
    },
  ]);
  expect(await messagesOf(ed.email)).toEqual([]);
});

test('a save notifies the person whose values it replaces, and nobody if it changes other fields than that person did', async () => {
  const { staging } = world;
  const form = keyOf('form', await add(staging, 'form', { description: 'First' }));
  await change(staging, form, { description: 'Mine' }, ana);
  await change(staging, form, { name: 'Another name' }, pm);
  expect(await messagesOf(ana.email)).toEqual([]);
  expect(await eventsOf(pm.email)).toEqual(['edit.overtaken']);
  await change(staging, form, { description: 'Mine, again' }, ana);
  expect(await eventsOf(pm.email)).toEqual(['edit.overtaken']);
  await change(staging, form, { description: 'Hers' }, pm);
  expect(await messagesOf(ana.email)).toMatchObject([
    { event: 'edit.overtaken', text: saying(/\(Description\)/) },
  ]);
});

test('an undo notifies the sender of the transfer and the authors of its rows, once each and with the reason for the undo', async () => {
  const { staging } = world;
  const keys = [];
  for (const name of ['One', 'Two', 'Three', 'Four', 'Five']) {
    keys.push(keyOf('form', await add(staging, 'form', { name }, ana)));
  }
  const sent = await transfer(staging, keys);
  expect(await messagesOf(ana.email)).toMatchObject([
    {
      event: 'rows.arrived',
      text: saying(/pm@example.com transferred “.*”, “.*”, “.*” and 2 more to pre-production/),
      href: `/transfers/${sent.number}`,
    },
  ]);
  expect(await messagesOf(pm.email)).toEqual([]);
  const back = await undoBy('oncall@example.com', sent);
  for (const person of [pm.email, ana.email]) {
    expect((await messagesOf(person)).at(-1)).toMatchObject({
      event: 'rows.undone',
      text: saying(/oncall@example.com undid .* and 2 more in pre-production.*Wrong city/),
      href: `/transfers/${back.number}`,
    });
  }
  expect([await eventsOf(pm.email), await eventsOf('oncall@example.com')]).toEqual([
    ['rows.undone'],
    [],
  ]);
});

test('a transfer notifies the person whose edit at the destination it replaces, and a refused transfer notifies its sender', async () => {
  const { staging, preprod } = world;
  const form = keyOf('form', await add(staging, 'form', { name: 'Quiz' }));
  await transfer(staging, [form]);
  await change(preprod, form, { description: 'Hotfix' }, ana);
  await transfer(staging, [form], { overwrite: 'overwrite' });
  expect(await messagesOf(ana.email)).toMatchObject([
    {
      event: 'edit.overtaken',
      text: saying('“Quiz” in pre-production'),
    },
  ]);
  await change(staging, form, { description: 'Newer' });
  const { selection, plan } = await sheet(staging, [form]);
  failpoints.reached = async (name) => {
    if (name !== 'journal') return;
    failpoints.reached = () => {};
    await change(preprod, form, { description: 'Meanwhile' }, ana);
  };
  const click = { planHash: plan.hash, idempotencyKey: uuid(), name: 'Night', person: pm.email };
  const ended = await send(routeFrom(staging), selection, { ...click, reason: null });
  expect(ended.state).toBe('refused');
  expect(await messagesOf(pm.email)).toMatchObject([
    {
      event: 'transfer.failed',
      text: saying(/“Night” failed, and nothing was changed in pre-production\. .*Quiz/),
      href: `/transfers/${ended.number}`,
    },
  ]);
});

test('a refresh notifies each person once of all rows that it replaced, also by e-mail, unless the person’s account is closed', async () => {
  const { staging, production } = world;
  await hire(staging, 'vic');
  const vic = { email: 'vic@example.com', isProductManager: true };
  const forms = [];
  for (const by of [ana, ana, vic]) forms.push(keyOf('form', await add(staging, 'form', {}, by)));
  const business = keyOf('business', await add(staging, 'business', {}, ana));
  const all = [...forms, business];
  const { id = 0 } =
    (await people.list(staging.sql)).find(({ email }) => email === vic.email) ?? {};
  await people.setActive(staging, 'test', id, false);
  await transfer(staging, all);
  const former = await messagesOf(ana.email);
  await transfer(world.preprod, all);
  for (const form of forms) await change(production, form, { description: 'Hotfix' });
  await change(production, business, { description: 'Hotfix' });
  await refreshNow({ ...staging, sendsMail: true });
  expect((await messagesOf(ana.email)).slice(former.length)).toMatchObject([
    {
      event: 'edit.overtaken',
      text: saying(/^A refresh replaced “.*”, “.*” and “.*” by what production has/),
    },
  ]);
  const [message] = (await messagesOf(ana.email)).slice(former.length);
  const emails = await outbox.list(staging.sql, { channel: 'email', state: '', before: null });
  expect(emails).toMatchObject([{ recipient: ana.email, body: message?.text }]);
  expect(await messagesOf(vic.email)).toEqual([]);
});

test('a second refresh on the same day sends a second e-mail if the first e-mail has already been sent', async () => {
  const { staging, production } = world;
  const emails = () => outbox.list(staging.sql, { channel: 'email', state: '', before: null });
  for (const [index, description] of ['First', 'Second'].entries()) {
    const form = keyOf('form', await add(staging, 'form', {}, ana));
    await transfer(staging, [form]);
    await transfer(world.preprod, [form]);
    await change(production, form, { description });
    await refreshNow({ ...staging, sendsMail: true });
    expect(await emails()).toHaveLength(index + 1);
    await run(staging.sql, sql`update outbox set state = 'acknowledged', attempts = 1`);
  }
});

test('grouping the 20,000 rows of a large write by person takes less than a second', () => {
  const found: AffectedByPerson = new Map();
  const begun = performance.now();
  for (let id = 1; id <= 20_000; id += 1) {
    const row = { key: keyOf('form', id), title: 'Quiz' };
    for (const twice of [row, row]) addTo(found, ana.email, twice);
  }
  expect(found.get(ana.email)?.size).toBe(20_000);
  expect(performance.now() - begun).toBeLessThan(1000);
});
