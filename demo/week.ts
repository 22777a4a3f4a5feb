// Simulates a week of work in staging, so that a newcomer sees every common status at once.
import { v7 as uuid } from 'uuid';
import { entityNamed } from '../src/catalog/index.ts';
import { initialContent, keyText, type Content, type RowKey } from '../src/catalog/entity.ts';
import type { App } from '../src/environments/app.ts';
import { readOne } from '../src/rows/store.ts';
import { remove } from '../src/editing/deletions.ts';
import * as edits from '../src/editing/save.ts';
import * as marks from '../src/transfers/hold.ts';
import { recordedState } from '../src/state/untouched.ts';
import { runJob } from '../src/jobs/runner.ts';
import { requestComparison } from '../src/comparison/job.ts';
import { tasks } from '../src/tasks.ts';
import type { Transfer } from '../src/writing/journal.ts';
import * as selections from '../src/sheet/selections.ts';
import type { Selection } from '../src/sheet/selections.ts';
import * as testResults from '../src/state/test-results.ts';
import { prepareSheet } from '../src/sheet/sheet.ts';
import { send } from '../src/transfers/send.ts';
import type { Environments } from './environments.ts';
import { letTimePass } from './time.ts';
import { statusesAhead } from '../src/catalog-pages/destination-statuses.ts';

const pm = { email: 'pm@example.com', isProductManager: true };
const onCall = 'oncall@example.com';
const editor = { email: 'editor@example.com', isProductManager: false };

const writeContextOf = (here: App) => ({ here, lease: here.settings.lease.milliseconds });

const add = (here: App, entity: string, content: Content, by = pm) => {
  const whole = { ...initialContent(entityNamed(entity)), ...content };
  return edits.add(writeContextOf(here), by, entityNamed(entity), whole);
};

async function change(here: App, key: RowKey, facts: Content, by = pm) {
  const row = await readOne(here, key);
  const state = await recordedState(here, key, row);
  if (!row || !state) throw new Error(`${keyText(key)} is not in ${here.name}`);
  const { id, modified_at: _modified, ...content } = row;
  const at = { entity: entityNamed(key.entity), id };
  await edits.save(writeContextOf(here), by, at, { ...content, ...facts }, state.version);
}

const routeFrom = (here: App) => {
  if (!here.destination) throw new Error(`${here.name} has no destination`);
  return { from: here, to: here.destination, lease: 15_000, hostHere: null, asksApproval: false };
};

/** Sends rows, as a product manager does. `from`: the transfer that wrote these rows into this environment. */
async function transfer(here: App, name: string, reason: string, keys: RowKey[], from?: Transfer) {
  const chain = from ? [from.id] : [];
  const id = await selections.create(here.sql, pm.email, { keys, name, chain });
  return click(here, await selections.find(here.sql, id), reason, pm.email);
}

async function undo(here: App, sent: Transfer, reason: string, keys: RowKey[]) {
  const id = await selections.create(here.sql, onCall, {
    keys,
    name: `Undo of ${sent.name}`,
    kind: 'undo',
    undoes: sent.id,
  });
  return click(here, await selections.find(here.sql, id, 'undo'), reason, onCall);
}

async function click(here: App, selection: Selection, reason: string, person: string) {
  const { name } = selection;
  const { plan } = await prepareSheet(routeFrom(here), selection);
  const role = person === onCall ? 'on_call' : 'product_manager';
  const said = { planHash: plan.hash, idempotencyKey: uuid(), name, reason, person };
  const ended = await send(routeFrom(here), selection, { ...said, role });
  if (ended.state !== 'verified') throw new Error(`${name}: ${ended.state}`);
  return ended;
}

/** Records the test result of a person who tried a row in pre-production. */
async function judge(here: App, key: RowKey, works: boolean, note: string) {
  const seen = (await testResults.hashesWithDependents(here, [key])).get(keyText(key)) ?? '';
  await testResults.recordTestResults(here, 'viewer@example.com', [{ key, seen }], { works, note });
}

const task = (id: number) => ({ entity: 'task', id });
const form = (id: number) => ({ entity: 'form', id });
const field = (id: number) => ({ entity: 'form_field', id });

export async function workAWeek(all: Environments) {
  const { staging, preprod } = all;
  // Monday in the demo’s week: corrections are sent to production.
  await change(staging, task(2001), { priority: 90 });
  await change(staging, form(301), { description: 'What we need to know before we call back. ☎️' });
  const monday = await transfer(staging, 'Monday corrections', 'Wording agreed with support', [
    task(2001),
    form(301),
  ]);
  await letTimePass(all, { days: 1 });
  const looked = 'Looked at in pre-production';
  await transfer(preprod, 'Monday corrections', looked, [task(2001), form(301)], monday);
  await letTimePass(all, { days: 1 });

  // Wednesday in the demo’s week: the rows of a product launch are sent to pre-production, and not yet to production.
  const launch = await add(staging, 'business', {
    name: 'Diya & Daughters “Festive” Hampers 🪔',
    category: 'Shopping',
    description: 'Sweets, lamps and dry fruit, packed by hand and delivered the same evening.',
    priority: 80,
    cities: [
      { city: 'Mumbai', partner: 'TOI Offers' },
      { city: 'Pune', partner: null },
    ],
  });
  const hamper = await add(staging, 'form', {
    name: 'Hamper details',
    description: 'Who gets it, where, and what must not be in it.',
  });
  const questions: Content[] = [
    { label: 'Name of the recipient', type: 'text', required: true },
    { label: 'Delivery date', type: 'date', required: true },
    { label: 'Size', type: 'choice', options: ['Small', 'Family', 'Office'] },
    { label: 'Allergies', type: 'long_text', required: false },
  ];
  for (const [index, question] of questions.entries()) {
    await add(staging, 'form_field', { ...question, form: hamper, order: index + 1 });
  }
  const order = await add(staging, 'task', {
    title: 'Send a Diwali hamper',
    message: 'Happy Diwali! 🪔 शुभ दीपावली — whom shall we surprise?',
    business: launch,
    form: hamper,
    priority: 85,
  });
  await add(staging, 'order_receipt', {
    task: order,
    template: 'Hamper on its way',
    text: 'Your hamper for {recipient} leaves us on {date}. Order {order_id}.',
  });
  await add(staging, 'sts', { text: 'Send my parents a hamper 🎁', business: launch, task: order });
  await transfer(staging, 'Diwali launch', 'Campaign starts on Friday', [
    { entity: 'business', id: launch },
    task(order),
    form(hamper),
  ]);
  await judge(preprod, { entity: 'business', id: launch }, true, 'Logo and texts as ordered');
  await judge(preprod, form(hamper), true, 'Filled in on iOS and Android');
  await letTimePass(all, { days: 1 });

  // Thursday night in the demo’s week: a transfer to production has to be undone.
  await change(staging, task(2006), { message: 'Follow your driver on the new live map! 🗺️' });
  const why = 'Announced for Thursday';
  const map = await transfer(staging, 'Live map', why, [task(2006)]);
  const early = await transfer(preprod, 'Live map', why, [task(2006)], map);
  await letTimePass(all, { days: 0.2 });
  await undo(preprod, early, 'The live map crashes on iOS', [task(2006)]);
  await letTimePass(all, { days: 0.8 });

  // Friday in the demo’s week: an editor corrects a text directly in pre-production.
  await change(
    preprod,
    task(2010),
    { message: 'Corrected in pre-production during the outage.' },
    editor,
  );
  await letTimePass(all, { days: 1 });
  await statusesAhead(staging, [task(2010)], new Map());

  // The weekend and today in the demo’s week: changes in staging that are still pending.
  await change(staging, task(2002), {
    priority: 75,
    message: 'Tell us when, and we do the rest. 👍🏽',
  });
  await change(staging, task(2003), { active: false });
  await change(staging, form(304), { description: 'Shorter, after the usability test.' });
  await change(staging, field(5008), { label: 'Date of birth (as in your passport)' });
  await add(staging, 'banner', {
    title: 'Festive hampers until Sunday 🪔',
    business: launch,
    task: order,
    cities: [{ city: 'Mumbai', partner: null }],
  });
  await letTimePass(all, { days: 0.4 });
  await add(staging, 'partner', { name: 'Night Riders' });
  await add(staging, 'task', {
    title: 'Midnight hamper delivery',
    message: 'For surprises at 00:00 sharp. 🦉',
    business: launch,
    form: hamper,
    cities: [{ city: 'Mumbai', partner: 'Night Riders' }],
    priority: 60,
  });
  await change(staging, task(2004), { message: 'Lorem for the new parser – do not ship' }, editor);
  await change(staging, field(5020), { validation: '^.{1,200}$' }, editor);
  const toy = await add(
    staging,
    'business',
    {
      name: 'QA sandbox business',
      category: 'Utilities',
      description: 'For the regression suite.',
    },
    editor,
  );
  await marks.hold(
    staging,
    pm.email,
    { entity: 'business', id: toy },
    'Only for the regression suite',
  );
  await remove(writeContextOf(staging), pm, entityNamed('sts'), 1103);
  await runJob(staging, tasks, (await requestComparison(staging, pm.email)).job.id);
  await letTimePass(all, { days: 0.1 });
}
