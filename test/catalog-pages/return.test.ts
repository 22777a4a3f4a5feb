// Walks from a filtered list to a row and back: every way back leads to the list with its tab, search, filters and
// order.
import { expect, test } from 'vitest';
import { add, change, ed } from '../support/rows.ts';
import { shownValues } from '../support/forms.ts';
import { useClient, useSite } from '../support/people.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'staging');
const ana = useClient(site, 'pm');

const list = '/catalog/task?tab=mine&q=Cab+%26+more&active=yes&sort=title';
const linkIn = (html: string, pattern: RegExp) =>
  (pattern.exec(html)?.[1] ?? '').replaceAll('&amp;', '&');
const rowLink = (html: string) => linkIn(html, /<th scope="row">\s*<a href="([^"]+)"/);
const crumb = (html: string) =>
  linkIn(html.split('class="crumbs"')[1] ?? '', /href="(\/catalog[^"]+)"/);

const openRow = async () => {
  const html = (await ana.get(list).expect(200)).text;
  const href = rowLink(html);
  return { href, html: (await ana.get(href).expect(200)).text };
};
const BUTTON = 'then';

/** Posts the form of a page with the button *Save and close*, *Save and add another* or *Save*. */
const save = async (html: string, button: 'close' | 'another' | 'stay', values: object) => {
  const action = linkIn(html, /id="edit"[^>]*action="([^"]+)"/);
  const posted = new Map<string, unknown>(Object.entries({ ...shownValues(html), ...values }));
  return ana.post(action, Object.fromEntries(posted.set(BUTTON, button)));
};

test('the breadcrumb, Save and close, and Delete lead from a row back to the filtered list, even after a refused save', async () => {
  const business = await add(world.staging, 'business');
  const id = await add(world.staging, 'task', { business, title: 'Cab & more', active: true });
  await add(world.staging, 'task', { business, title: 'Cab & more, too', active: true });
  const { href, html } = await openRow();
  expect(href).toBe(`/catalog/task/${id}?return=${encodeURIComponent(list)}`);
  expect(crumb(html)).toBe(list);

  const refused = await save(html, 'close', { title: '' });
  expect(refused.status).toBe(422);
  expect(crumb(refused.text)).toBe(list);
  const saved = await save(refused.text, 'stay', { title: 'Cab & more', priority: '3' });
  expect(saved.headers['location']).toBe(href);
  const again = (await ana.get(href)).text;
  expect(linkIn(again, /href="([^"]+)" data-discard/)).toBe(href);
  const closed = await save(again, 'close', { priority: '4' });
  expect(closed.headers['location']).toBe(list);

  const history = (await ana.get(linkIn(again, /href="([^"]+\/history[^"]*)"/))).text;
  expect(crumb(history)).toBe(list);
  const deletion = linkIn(again, /href="([^"]+\/deletion[^"]*)"/);
  const asked = (await ana.get(deletion)).text;
  expect(asked).toContain(href.replaceAll('&', '&amp;'));
  const gone = await ana.post(`/catalog/task/${id}/deletion`, fieldsOn(asked, '/deletion"'));
  expect(gone.headers['location']).toBe(list);
});

test('Discard leads from the form of a new row back to the filtered list, and Save and add another keeps the link to that list', async () => {
  const html = (await ana.get(list)).text;
  const page = (await ana.get(linkIn(html, /href="(\/catalog\/task\/new[^"]*)"/))).text;
  expect(linkIn(page, /href="([^"]+)" data-discard/)).toBe(list);
  const values = { title: 'Cab & more, new', business: '#1', active: 'yes' };
  const added = await save(page, 'another', values);
  expect(added.headers['location']).toBe(`/catalog/task/new?return=${encodeURIComponent(list)}`);
});

test('the page of an edit conflict links back to the filtered list from which the row was opened', async () => {
  const { href, html } = await openRow();
  const id = Number(/task\/(\d+)/.exec(href)?.[1]);
  await change(world.staging, { entity: 'task', id }, { title: 'Cab & more by Ed' }, ed);
  const conflict = await save(html, 'close', { title: 'Cab & more by Ana' });
  expect(conflict.status).toBe(409);
  expect(crumb(conflict.text)).toBe(list);
  const chosen = { ...fieldsOn(conflict.text, '/resolution"'), choice_title: 'mine' };
  const resolved = await ana.post(`/catalog/task/${id}/resolution`, chosen);
  expect(resolved.headers['location']).toBe(href);
});

test('Save and close ignores a return address on another site, and leads to the list without filters', async () => {
  const { html } = await openRow();
  for (const back of ['https://example.com/', '//example.com', '/\\example.com']) {
    const answer = await save(html, 'close', { priority: '9', return: back });
    expect(answer.headers['location']).toBe('/catalog/task');
  }
});
