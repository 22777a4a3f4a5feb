// Two users have the same page open: neither user replaces a name mapping or a hold (Not for production) of the other
// user without having seen it.
import { describe, expect, test } from 'vitest';
import { listMappings } from '../../src/state/name-mapping.ts';
import { readStates } from '../../src/state/row-state.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const client = useClient(site, 'pm');

describe('a name mapping that two users change', () => {
  const mapped = async () =>
    (await listMappings(world.staging.sql)).map(({ name, there }) => `${name} → ${there}`);
  const page = async () => (await client.get('/name-mappings')).text;
  const removal = 'action="/name-mappings"';

  test('when another user has mapped the same city meanwhile, the mapping is replaced only after a confirmation (F16)', async () => {
    const pages = [await page(), await page()];
    const [first = {}, second = {}] = pages.map((html) =>
      fieldsOn(html, 'stack" method="post" action="/name-mappings"'),
    );
    await client.post('/name-mappings', { ...first, entity: 'city', name: 'Pune', there: 'Poona' });
    const late = await client.post('/name-mappings', {
      ...second,
      entity: 'city',
      name: 'Pune',
      there: 'Puna',
    });
    expect(late.status).toBe(409);
    expect(textOf(late.text)).toContain('Pune is mapped to Poona by pm');
    expect(await mapped()).toEqual(['Pune → Poona']);
    const instead = fieldsOn(late.text, removal);
    expect(instead).toMatchObject({ name: 'Pune', there: 'Puna', was: 'Poona' });
    expect((await client.post('/name-mappings', instead)).status).toBe(303);
    expect(await mapped()).toEqual(['Pune → Puna']);
  });

  test('removing a city’s name mapping is refused when another user changed the mapping after the page was shown (F16)', async () => {
    await client.post('/name-mappings', { entity: 'city', name: 'Pune', there: 'Poona' });
    const shown = fieldsOn(await page(), removal);
    await client.post('/name-mappings', {
      entity: 'city',
      name: 'Pune',
      there: 'Puna',
      was: 'Poona',
    });
    const late = await client.post('/name-mappings', shown);
    expect(late.status).toBe(409);
    expect(await mapped()).toEqual(['Pune → Puna']);
    await client.post('/name-mappings', fieldsOn(late.text, removal));
    expect(await mapped()).toEqual([]);
  });
});

describe('a hold (Not for production) that two users change', () => {
  const newForm = async () => {
    const key = { entity: 'form', id: await add(world.staging, 'form', { name: 'Visit' }) };
    const address = `/catalog/form/${key.id}`;
    const reason = async () =>
      (await readStates(world.staging.sql, [key])).get(`form:${key.id}`)?.held_reason;
    return { address, reason };
  };

  test('a second hold (Not for production) with another reason is refused, and the page shows the first reason and the typed reason (F16)', async () => {
    const { address, reason } = await newForm();
    await client.post(`${address}/hold`, { reason: 'A trial' });
    const again = await client.post(`${address}/hold`, { reason: 'A trial' });
    expect(again.status).toBe(303);
    const late = await client.post(`${address}/hold`, { reason: 'Legal has not agreed' });
    expect(late.status).toBe(409);
    expect(textOf(late.text)).toContain('“A trial”');
    expect(textOf(late.text)).toContain('“Legal has not agreed”');
    expect(await reason()).toBe('A trial');
  });

  test('removing a hold (Not for production) is refused when the hold was replaced after the page was shown (F16)', async () => {
    const { address, reason } = await newForm();
    await client.post(`${address}/hold`, { reason: 'A trial' });
    const shown = fieldsOn((await client.get(address)).text, `${address}/hold/removal"`);
    expect((await client.post(`${address}/hold/removal`, shown)).status).toBe(303);
    await client.post(`${address}/hold`, { reason: 'Legal has not agreed' });
    const late = await client.post(`${address}/hold/removal`, shown);
    expect(late.status).toBe(409);
    expect(textOf(late.text)).toContain('“Legal has not agreed”');
    expect(await reason()).toBe('Legal has not agreed');
    const wrong = await client.post(`${address}/hold/removal`, { seen: 'yesterday' });
    expect(wrong.status).toBe(409);
    const fresh = fieldsOn((await client.get(address)).text, `${address}/hold/removal"`);
    expect((await client.post(`${address}/hold/removal`, fresh)).status).toBe(303);
    expect(await reason()).toBeNull();
  });
});
