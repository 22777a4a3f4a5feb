// Times in the zone of the person who reads them, and people by name.
import { expect, test } from 'vitest';
import { exactly, personName } from '../../src/web/format.ts';
import { formatFor } from '../../src/web/viewer.ts';
import { useSite } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');

test.each([
  ['UTC', '1 Feb 2026, 20:15 UTC'],
  ['Asia/Kolkata', '2 Feb 2026, 01:45 GMT+5:30'],
  ['Europe/Berlin', '1 Feb 2026, 21:15 CET'],
])('a time is formatted in the zone %s with its name', (zone, text) => {
  formatFor({ zone, names: new Map() }, () => {
    expect(exactly('2026-02-01 20:15:00.000')).toBe(text);
    expect(exactly('0000-00-00 00:00:00.000')).toBe('0000-00-00 00:00:00.000');
  });
});

test('a person is shown by name, and a program, which has no account, under the name with which it was recorded', () => {
  formatFor({ zone: 'UTC', names: new Map([['pm@example.com', 'Ana']]) }, () => {
    expect(personName('pm@example.com')).toBe('Ana');
    expect(personName('nightly')).toBe('nightly');
  });
});

test('pages show times in the time zone that a person has saved instead of UTC, and saving an unknown zone is refused', async () => {
  const ana = await site.as('pm');
  const id = await add(world.staging, 'form', { name: 'Zoned' });
  expect((await ana.get('/account')).text).toContain('Times in UTC');
  const refused = await ana.post('/zone', { zone: 'Mars/Olympus', return: '/' });
  expect(refused.status).toBe(422);
  await ana.post('/zone', { zone: 'Asia/Kolkata', return: '/account' });
  expect((await ana.get('/account')).text).toContain('Times in Asia/Kolkata');
  const { text } = await ana.get(`/catalog/form/${id}`);
  expect(text).toContain('GMT+5:30');
  expect(text).toContain('title="pm@example.com"');
});
