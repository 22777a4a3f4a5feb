// Adds a few rows of every type, with all common statuses (such as *New* and *Changed here*), for tests that look at
// pages.
import { entityNamed } from '../../src/catalog/index.ts';
import { remove } from '../../src/editing/deletions.ts';
import { hold } from '../../src/transfers/hold.ts';
import { fillJobs } from './sample-jobs.ts';
import { add, change, ed, writeContextOf, pm, transfer } from './rows.ts';
import type { World } from './world.ts';

export async function fill({ staging, preprod }: World) {
  for (const here of [staging, preprod]) {
    await add(here, 'city', { name: 'Pune', country: 'IN' });
    await add(here, 'city', { name: '東京', country: 'JP' });
    await add(here, 'partner', { name: 'TOI Offers' });
  }
  await add(staging, 'partner', { name: 'Night Riders' });
  const business = await add(staging, 'business', {
    name: 'Diya & Daughters “Festive” Hampers 🪔',
    description: 'Sweets, lamps and dry fruit.\n<b>Packed</b> by hand. שלום',
    cities: [
      { city: 'Pune', partner: 'TOI Offers' },
      { city: '東京', partner: null },
    ],
  });
  await add(staging, 'external_tool', {
    business,
    name: 'Stock',
    endpoint: 'https://stock.example.com',
    key: 'k',
  });
  const form = await add(staging, 'form', { name: 'Hamper details', description: 'Who gets it.' });
  const fields = [];
  for (const [index, label] of ['Recipient', 'Delivery date', 'Allergies'].entries()) {
    fields.push(await add(staging, 'form_field', { form, label, order: index + 1, type: 'text' }));
  }
  const task = await add(staging, 'task', {
    business,
    form,
    title: 'Send a hamper',
    message: 'Whom shall we surprise?',
  });
  await add(staging, 'order_receipt', { task, template: 'On its way' });
  await add(staging, 'sts', { business, task, text: 'Send my parents a hamper 🎁' });
  await transfer(staging, [
    { entity: 'task', id: task },
    { entity: 'form', id: form },
  ]);
  const marked = await add(staging, 'task', { business, title: 'Parser test' }, ed);
  const held = await add(staging, 'form', { name: 'Only for the regression suite' });
  await hold(staging, pm.email, { entity: 'form', id: held }, 'Regression suite');
  const oncall = await add(staging, 'task', {
    business,
    title: 'Midnight delivery',
    cities: [{ city: 'Pune', partner: 'Night Riders' }],
  });
  const drifted = await add(staging, 'form', { name: 'Mended above' });
  await transfer(staging, [{ entity: 'form', id: drifted }]);
  await change(
    preprod,
    { entity: 'form', id: drifted },
    { description: 'Mended in pre-production' },
  );
  await add(staging, 'banner', { business, task, start: '2026-11-01T00:00:00.000Z' });
  const gone = await add(staging, 'sts', { business, text: 'No longer offered' });
  await remove(writeContextOf(staging), pm, entityNamed('sts'), gone);
  const job = await fillJobs(staging);
  return { business, form, fields, task, marked, held, oncall, drifted, job };
}
