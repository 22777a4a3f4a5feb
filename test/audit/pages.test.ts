// The audit history of an environment: all changes of the environment, including transfers from other environments,
// with filters and an export.
import { expect, test } from 'vitest';
import { add, change, transfer, undo } from '../support/rows.ts';
import { openSite, textOf } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });

test('production’s audit history lists each transfer that changed production and each undo, with a link to the page of the transfer', async () => {
  const { staging, preprod } = world;
  const form = { entity: 'form', id: await add(staging, 'form', { name: 'Visit details' }) };
  await transfer(staging, [form]);
  await transfer(preprod, [form]);
  await change(staging, form, { description: 'Newer' });
  await transfer(staging, [form]);
  const sent = await transfer(preprod, [form]);
  await undo(preprod, sent);
  const site = await openSite(world, 'production', {
    ENVIRONMENT_URLS: 'preprod=https://pre.example.com,production=https://example.com',
  });
  const vic = await site.as('vic');
  const html = (await vic.get('/audit?entity=form').expect(200)).text;
  const page = textOf(html);
  expect(page).toContain('transferred here Visit details 1 row from pre-production');
  expect(page).toContain('undid here Undo of Visit details 1 row from pre-production');
  expect(html).toContain(`href="https://pre.example.com/transfers/of/${sent.id}"`);
  await site.close();
  const above = await openSite(world, 'preprod');
  const pm = await above.as('pm');
  const led = await pm.get(`/transfers/of/${sent.id}`);
  expect(led.headers['location']).toBe(`/transfers/${sent.number}`);
  await above.close();
});

test('the audit history is filtered by person, type, record and day, and exported with the same filters', async () => {
  const { staging } = world;
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  const one = await add(staging, 'task', { business: await add(staging, 'business') });
  await add(staging, 'task', { business: await add(staging, 'business'), title: '=1+1' });
  const shown = async (query: string) => {
    const text = (await pm.get(`/audit/export?format=json&${query}`).expect(200)).text;
    return (JSON.parse(text) as { type: string; id: number }[]).map(
      ({ type, id }) => `${type} ${id}`,
    );
  };
  expect(await shown(`entity=task&id=${one}`)).toEqual([`Task ${one}`]);
  expect(await shown('entity=task&person=nobody@example.com')).toEqual([]);
  expect(await shown('entity=task&person=pm@example.com')).toHaveLength(2);
  expect(await shown('entity=task&to=2020-01-01')).toEqual([]);
  expect(await shown('entity=task&from=2020-01-01')).toHaveLength(2);
  expect(await shown('entity=task&id=x')).toEqual([]);
  const csv = (await pm.get('/audit/export?format=csv&entity=task').expect(200)).text;
  expect(csv).toContain("'=1+1");
  await site.close();
});
