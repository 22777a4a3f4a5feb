// Previews of forms, banners and tasks: on the page of a row, on a transfer sheet, and on the page Arrived.
import { expect, test } from 'vitest';
import { createServer, type AddressInfo } from 'node:net';
import { previewOf } from '../../src/preview/preview.ts';
import { storedIn } from '../../src/preview/side.ts';
import { keepImage } from '../../src/storage/images.ts';
import { openObjects } from '../../src/storage/open.ts';
import { picture } from '../support/images.ts';
import { openSite, textOf, useSite, type Client } from '../support/people.ts';
import { add, change, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');

const previewOn = (html: string) => textOf(/<div class="phone">[^]*/.exec(html)?.[0] ?? '');
const open = async (client: Client, address: string) =>
  (await client.get(address).expect(200)).text;

/** The texts of the two previews on a page: of the row now, and of the row after the transfer. */
function sidesOf(html: string) {
  const [, now = '', after = ''] = html.split(/<section>/);
  return { now: textOf(now), after: textOf(after) };
}

async function addTask() {
  const { staging } = world;
  const business = await add(staging, 'business', { name: 'Sunrise Clinic' });
  const form = await add(staging, 'form', { name: 'Visit details', description: 'For the desk' });
  const title = 'Book a visit';
  const task = await add(staging, 'task', { title, business, form, message: 'Hello!' });
  return { business, form, task };
}

test('the preview of a form shows its fields in order, with the kind of each input, its options and whether it is required', async () => {
  const { staging } = world;
  const { form } = await addTask();
  const options = ['Red', 'Blue'];
  await add(staging, 'form_field', { form, label: 'Colour', type: 'choice', options, order: 2 });
  await add(staging, 'form_field', { form, label: 'E-mail', type: 'email', order: 1 });
  const facts = { form, label: 'Note', type: 'long_text', required: false, order: 3 };
  const field = await add(staging, 'form_field', { ...facts, validation: 'Up to 3 lines' });
  const expected =
    'Visit details For the desk E-mail (required) E-mail Colour (required) Choose one Red Blue Note Long text Rule: Up to 3 lines';
  for (const role of ['pm', 'vic']) {
    const client = await site.as(role);
    expect(previewOn(await open(client, `/catalog/form/${form}`))).toContain(expected);
    // A field is previewed as a part of its form.
    expect(previewOn(await open(client, `/catalog/form_field/${field}`))).toContain(expected);
    const own = await open(client, `/catalog/form/${form}/preview`);
    expect(previewOn(own)).toContain(expected);
    const phone = /<div class="previews"[^]*<\/main>/.exec(own)?.[0] ?? '';
    expect(phone).not.toMatch(/<(input|select|textarea|button|a)\b/);
  }
});

test('the preview of a task shows its business, banners, form and receipts, and says that the task is not active', async () => {
  const { staging } = world;
  const { task, business } = await addTask();
  await add(staging, 'banner', {
    title: 'Free week',
    business,
    task,
    end: '2020-01-01T00:00:00.000Z',
  });
  await add(staging, 'order_receipt', { task, template: 'Booked', text: 'See you' });
  await change(staging, { entity: 'task', id: task }, { active: false });
  const client = await site.as('vic');
  const shown = previewOn(await open(client, `/catalog/task/${task}`));
  expect(shown).toContain('Sunrise Clinic Free week Sunrise Clinic Opens task “Book a visit”');
  expect(shown).toContain('Not shown any more: it ended 1 Jan 2020, 00:00 UTC');
  expect(shown).toContain(
    'Book a visit Hello! Visit details For the desk This form has no fields.',
  );
  expect(shown).toContain('Sent when it is done Booked See you');
  expect(shown).toContain('Not active: people do not see it');
});

test('a banner is previewed with its image, and with a sentence in place of an image that the storage lacks', async () => {
  const { staging } = world;
  const image = await keepImage(staging.storage, 'image', await picture());
  const banner = await add(staging, 'banner', { title: 'Sale', image, link: 'https://a.example' });
  const lost = `${'0'.repeat(64)}.png`;
  const without = await add(staging, 'banner', { title: 'Lost', image: lost });
  const client = await site.as('vic');
  const shown = await open(client, `/catalog/banner/${banner}`);
  expect(shown).toContain(`<img class="phone-wide" src="/objects/${image}"`);
  expect(previewOn(shown)).toContain('Sale Opens https://a.example');
  const other = await open(client, `/catalog/banner/${without}/preview`);
  expect(other).not.toContain(`/objects/${lost}`);
  expect(previewOn(other)).toContain(
    'The image is not in the storage of staging. Lost Opens nothing',
  );
});

test('an image storage that does not answer delays a preview by about a second, and the image does not count as missing', async () => {
  const image = `${'0'.repeat(64)}.png`;
  const banner = await add(world.staging, 'banner', { title: 'Sale', image });
  const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0);
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const [bucket, prefix, region] = ['images', '', 'eu-central-1'];
  const keys = { id: 'id', secret: 'secret' };
  const store = openObjects({ kind: 's3', bucket, prefix, region, endpoint, keys });
  const began = Date.now();
  const shown = await previewOf(storedIn(world.staging), { entity: 'banner', id: banner }, store);
  expect(Date.now() - began).toBeLessThan(3000);
  expect(shown?.preview).toMatchObject({ image: { name: image, isMissing: false } });
  store.close();
  silent.close();
});

test('a preview escapes HTML, lets the browser choose the direction of each text, and shortens long lists', async () => {
  const { staging } = world;
  const name = '<img src=x onerror=alert(1)> "O’Neill" 🎉';
  const form = await add(staging, 'form', { name, description: 'שלום' });
  const options = Array.from({ length: 15 }, (_, index) => `Option ${index + 1}`);
  await add(staging, 'form_field', { form, label: 'X'.repeat(80), type: 'choices', options });
  const text = await open(await site.as('vic'), `/catalog/form/${form}/preview`);
  expect(text).not.toContain('<img src=x');
  expect(text).toContain('<p class="phone-title" dir="auto">&lt;img src=x onerror=alert(1)&gt;');
  expect(text).toContain('<p class="phone-text" dir="auto">שלום</p>');
  expect(previewOn(text)).toContain('Option 12 and 3 more');
});

test('a row of a type without previews has none on its page, and the URL of its preview answers 404', async () => {
  const { business } = await addTask();
  const client = await site.as('pm');
  expect(await open(client, `/catalog/business/${business}`)).not.toContain('class="phone"');
  await client.get(`/catalog/business/${business}/preview`).expect(404);
  await client.get('/catalog/form/4711/preview').expect(404);
  await client.get('/catalog/nonsense/1/preview').expect(404);
});

test('a transfer sheet previews the form in pre-production now and after the transfer, without fields that are not transferred', async () => {
  const { staging } = world;
  const { form } = await addTask();
  const key = { entity: 'form', id: form };
  const gone = await add(staging, 'form_field', { form, label: 'Former', order: 1 });
  await transfer(staging, [key]);
  const pm = await site.as('pm');
  const field = await add(staging, 'form_field', { form, label: 'Added', order: 2 });
  const left = await add(staging, 'form_field', { form, label: 'Stays behind', order: 3 });
  await pm.post(`/catalog/form_field/${gone}/deletion`, { version: '1' });
  const rows = [`form_field:${field}`, `form_field:${gone}`];
  const address = (await pm.post('/selections', { rows })).headers['location'] ?? '';
  const sheet = await open(pm, address);
  expect(sheet).toContain(`href="${address}/preview/form_field/${field}"`);
  const { now, after } = sidesOf(await open(pm, `${address}/preview/form_field/${field}`));
  expect(now).toContain('Pre-production now Visit details');
  expect(now).toContain('Former');
  expect(now).not.toContain('Added');
  expect(after).toContain('Added');
  expect(after).not.toContain('Stays behind');
  expect(left).toBeGreaterThan(0);
});

test('a transfer sheet previews a new task with its form, and a changed form without the values excluded from the transfer', async () => {
  const { staging } = world;
  const { form, task } = await addTask();
  const pm = await site.as('pm');
  const rows = [`task:${task}`];
  const address = (await pm.post('/selections', { rows })).headers['location'] ?? '';
  const fresh = sidesOf(await open(pm, `${address}/preview/task/${task}`));
  expect(fresh.now).toContain('Pre-production now It is not in pre-production yet.');
  expect(fresh.after).toContain('Book a visit Hello! Visit details For the desk');
  await transfer(staging, [{ entity: 'task', id: task }]);
  const facts = { name: 'Renamed', description: 'Rewritten' };
  await change(staging, { entity: 'form', id: form }, facts);
  const next = (await pm.post('/selections', { rows: [`form:${form}`] })).headers['location'] ?? '';
  await pm.post(`${next}/choices`, { shown: `form:${form}`, keep: `form:${form}/description` });
  const { now, after } = sidesOf(await open(pm, `${next}/preview/form/${form}`));
  expect(now).toContain('Visit details For the desk');
  expect(after).toContain('Renamed For the desk');
  await pm.get(`${next}/preview/form/4711`).expect(404);
  const vic = await site.as('vic');
  await vic.get(`${next}/preview/form/${form}`).expect(403);
});

test('the page Arrived offers previews of tasks and forms that a transfer has brought to pre-production, as they are stored there', async () => {
  const { staging } = world;
  const { task, form, business } = await addTask();
  await transfer(staging, [{ entity: 'task', id: task }]);
  const preprod = await openSite(world, 'preprod');
  const client = await preprod.as('vic');
  const arrivals = await open(client, '/arrivals');
  const offered = [...arrivals.matchAll(/href="([^"]+\/preview)"/g)].map(([, href]) => href);
  expect(offered.toSorted()).toEqual([
    `/catalog/form/${form}/preview`,
    `/catalog/task/${task}/preview`,
  ]);
  expect(arrivals).toContain(`/catalog/business/${business}"`);
  const shown = await open(client, `/catalog/task/${task}/preview`);
  expect(textOf(shown)).toContain('As stored in pre-production');
  expect(previewOn(shown)).toContain('Book a visit Hello! Visit details');
});
