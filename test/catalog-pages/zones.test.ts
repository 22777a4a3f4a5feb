// Timestamps are shown and typed in the time zone of the person, and stored in UTC.
import { expect, test } from 'vitest';
import { picture } from '../support/images.ts';
import { repost, shownValues } from '../support/forms.ts';
import { textOf, useSite, type Client } from '../support/people.ts';
import { add, change, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');

async function inZone(role: string, zone: string): Promise<Client> {
  const client = await site.as(role);
  await client.post('/zone', { zone, return: '/' });
  return client;
}
const banner = async (facts = {}) => {
  const id = await add(world.staging, 'banner', facts);
  return { key: { entity: 'banner', id }, address: `/catalog/banner/${id}` };
};
const formOf = async (client: Client, address: string) =>
  shownValues((await client.get(address).expect(200)).text);

test('two people in different time zones read and type the same time, each in their own zone', async () => {
  const { staging } = world;
  const { key, address } = await banner({ start: '2026-11-30T03:30:00.000Z' });
  const [ana, luis] = [await inZone('pm', 'Asia/Kolkata'), await inZone('ed', 'Europe/Berlin')];
  expect((await formOf(ana, address))['start']).toBe('2026-11-30T09:00');
  expect((await ana.get(address)).text).toMatch(/<span[^>]*id="z-start">Asia\/Kolkata<\/span>/);
  expect(await formOf(luis, address)).toMatchObject({
    start: '2026-11-30T04:30',
    start_zone: 'Europe/Berlin',
  });
  await repost(ana, address, { end: '2026-12-01T00:15' });
  expect(await get(staging, key)).toMatchObject({
    start: '2026-11-30T03:30:00.000Z',
    end: '2026-11-30T18:45:00.000Z',
  });
  expect((await formOf(luis, address))['end']).toBe('2026-11-30T19:45');
});

test('a time typed in a new row is stored in UTC, and a time that is posted without a zone counts as UTC', async () => {
  const { staging } = world;
  const ana = await inZone('pm', 'Asia/Kolkata');
  const page = await ana.get('/catalog/banner/new').expect(200);
  const typed = { ...shownValues(page.text), start_zone: 'Asia/Kolkata' };
  const key = /name="idempotency_key" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const added = await ana.post('/catalog/banner', {
    ...typed,
    idempotency_key: key,
    title: 'Diwali',
    start: '2026-11-01T09:00',
  });
  const id = Number(/\d+$/.exec(added.headers['location'] ?? '')?.[0]);
  const row = { entity: 'banner', id };
  expect((await get(staging, row))['start']).toBe('2026-11-01T03:30:00.000Z');
  const { start_zone: _zone, ...plain } = await formOf(ana, `/catalog/banner/${id}`);
  await ana.post(`/catalog/banner/${id}`, { ...plain, start: '2026-11-02T09:00' });
  expect((await get(staging, row))['start']).toBe('2026-11-02T09:00:00.000Z');
  await ana.post(`/catalog/banner/${id}`, {
    ...plain,
    version: '2',
    start: '2026-11-02T09:00:01Z',
  });
  expect((await get(staging, row))['start']).toBe('2026-11-02T09:00:01.000Z');
});

test('a typed time that does not exist because the clocks skip it is refused with a message, and the typed text stays in the form', async () => {
  const { key, address } = await banner({ start: '2026-03-01T09:00:00.000Z' });
  const luis = await inZone('pm', 'Europe/Berlin');
  const refused = await repost(luis, address, { start: '2026-03-29T02:30', title: 'Spring' });
  expect(refused.status).toBe(422);
  expect(textOf(refused.text)).toContain(
    'Start does not exist in Europe/Berlin: clocks go forward over this time. Enter another time',
  );
  expect(shownValues(refused.text)).toMatchObject({ start: '2026-03-29T02:30', title: 'Spring' });
  const saved = { ...shownValues(refused.text), start: '2026-03-29T03:30' };
  expect((await luis.post(address, saved)).status).toBe(303);
  expect((await get(world.staging, key))['start']).toBe('2026-03-29T01:30:00.000Z');
});

test('a time that exists twice because clocks go back is saved after the person chooses one, and later saves keep the chosen one', async () => {
  const { staging } = world;
  const { key, address } = await banner();
  const luis = await inZone('pm', 'Europe/Berlin');
  const refused = await repost(luis, address, { start: '2026-10-25T02:30' });
  expect(refused.status).toBe(422);
  expect(textOf(refused.text)).toContain(
    'Start exists twice in Europe/Berlin, because clocks go back.',
  );
  expect(textOf(refused.text)).toContain('25 Oct 2026, 02:30 CEST');
  const later = '2026-10-25T01:30:00.000Z';
  const chosen = { ...shownValues(refused.text), start_which: later };
  expect((await luis.post(address, chosen)).status).toBe(303);
  expect((await get(staging, key))['start']).toBe(later);
  expect((await formOf(luis, address))['start_which']).toBe(later);
  await repost(luis, address, { title: 'Only the title' });
  expect((await get(staging, key))['start']).toBe(later);
  await repost(luis, address, { start_which: '2026-10-25T00:30:00.000Z' });
  expect((await get(staging, key))['start']).toBe('2026-10-25T00:30:00.000Z');
});

test('times in a form that was opened before the user changed the time zone are read in the old zone, and untouched times keep milliseconds', async () => {
  const { staging } = world;
  const { key, address } = await banner({ start: '2026-11-30T03:30:00.123Z' });
  const ana = await inZone('pm', 'Asia/Kolkata');
  const opened = await formOf(ana, address);
  await ana.post('/zone', { zone: 'America/New_York', return: '/' });
  await ana.post(address, { ...opened, end: '2026-12-24T18:00' });
  expect(await get(staging, key)).toMatchObject({
    start: '2026-11-30T03:30:00.123Z',
    end: '2026-12-24T12:30:00.000Z',
  });
});

test('a refused form with an uploaded image shows its times again in the time zone of the person', async () => {
  const { address } = await banner({ start: '2026-11-30T03:30:00.000Z' });
  const ana = await inZone('pm', 'Asia/Kolkata');
  const opened = await formOf(ana, address);
  const boundary = 'zoned';
  const parts = Object.entries({ csrf: await ana.token(), ...opened, title: '' }).map(
    ([name, text]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`,
  );
  const file = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(parts.join('') + file),
    await picture(),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const refused = await ana.postRaw(address, `multipart/form-data; boundary=${boundary}`, body);
  expect(refused.status).toBe(422);
  expect(shownValues(refused.text)).toMatchObject({
    start: '2026-11-30T09:00',
    start_zone: 'Asia/Kolkata',
  });
});

test('when two people change the same time, the conflict page shows both times in the zone of the reader and saves the chosen one', async () => {
  const { staging } = world;
  const { key, address } = await banner({ start: '2026-11-30T03:30:00.000Z' });
  const ana = await inZone('pm', 'Asia/Kolkata');
  const opened = await formOf(ana, address);
  await change(staging, key, { start: '2026-11-30T05:00:00.000Z' });
  const conflict = await ana.post(address, { ...opened, start: '2026-11-30T12:00' });
  expect(conflict.status).toBe(409);
  expect(textOf(conflict.text)).toContain('30 Nov 2026, 10:30 GMT+5:30');
  expect(textOf(conflict.text)).toContain('30 Nov 2026, 12:00 GMT+5:30');
  const payload = /name="payload" value="([^"]*)"/.exec(conflict.text)?.[1] ?? '';
  const resolved = { payload: payload.replaceAll('&#34;', '"'), choice_start: 'mine' };
  expect((await ana.post(`${address}/resolution`, resolved)).status).toBe(303);
  expect((await get(staging, key))['start']).toBe('2026-11-30T06:30:00.000Z');
});
