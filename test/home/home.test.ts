// The home page and the menu on real servers: work that waits, rows that arrived, and pages that are left out because
// they would always be empty in this environment.
import { describe, expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import { hold } from '../../src/transfers/hold.ts';
import { openSite, textOf } from '../support/people.ts';
import { add, change, ed, pm, transfer } from '../support/rows.ts';
import { statementsOf } from '../support/statements.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const formKey = async (facts = {}, by = pm) => ({
  entity: 'form',
  id: await add(world.staging, 'form', facts, by),
});

/** Returns the HTML of the menu on a page. */
const menuOf = (html: string) => /<nav[^>]*id="menu".*?<\/nav>/s.exec(html)?.[0] ?? '';
const hrefsIn = (html: string) => [...html.matchAll(/href="([^"]+)"/g)].map(([, href]) => href);

describe('what the home page shows to different people and in different environments', () => {
  test('while the catalogue is empty, the home page explains where to begin, with links for an editor and without links for a viewer', async () => {
    const site = await openSite(world, 'staging');
    await site.as('ops');
    const html = (await (await site.as('ed')).get('/')).text;
    expect(textOf(html)).toContain('Start here');
    expect(hrefsIn(html)).toContain('/catalog/business/new');
    const viewed = (await (await site.as('vic')).get('/')).text;
    expect(hrefsIn(viewed)).not.toContain('/catalog/business/new');
    expect(textOf(viewed)).toContain('You have no permission to change anything.');
    expect(textOf(viewed)).toContain('More permissions are granted by ops');
    await site.close();
  });

  test('staging’s home page shows a product manager how many rows to transfer and engineering changes to adopt, with links to them (walk 21)', async () => {
    const { staging, preprod } = world;
    const [ready, drifted, held, sent] = [
      await formKey({ name: 'Ready “to go” 🪔' }),
      await formKey(),
      await formKey(),
      await formKey(),
    ];
    await formKey({}, ed);
    await hold(staging, pm.email, held, 'A test');
    await transfer(staging, [drifted, sent]);
    await change(preprod, drifted, { description: 'There' });
    await change(staging, drifted, { description: 'Here' });
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const html = (await client.get('/')).text;
    const text = textOf(html);
    expect(text).toContain('2 rows are ready to transfer');
    expect(text).toContain('1 engineering change to adopt');
    expect(hrefsIn(html)).toEqual(
      expect.arrayContaining(['/pending?group=ready', '/pending?group=engineering']),
    );
    const listed = (await client.get('/pending?group=ready')).text;
    expect(listed).not.toContain('id="engineering"');
    expect(listed).toMatch(/id="ready".*Ready to transfer <small>2</s);
    expect(text).toContain('Ready “to go” 🪔');
    expect(menuOf(html)).toMatch(/Ready to transfer<\/span>\s*<span class="count">2</);
    // The home page counts the pending rows again after the transfer.
    await transfer(staging, [ready]);
    expect(textOf((await client.get('/')).text)).toContain('1 row is ready to transfer');
    const quinn = textOf((await (await site.as('ed')).get('/')).text);
    expect(quinn).toContain('1 row that you changed is not in pre-production yet');
    expect(quinn).not.toContain('ready to transfer To');
    await site.close();
  });

  test('pre-production’s home page counts arrived rows marked Does not work, and arrived rows not tested since their last change', async () => {
    const { staging } = world;
    const [one, other] = [await formKey({ name: 'One' }), await formKey({ name: 'Other' })];
    await transfer(staging, [one, other]);
    const site = await openSite(world, 'preprod');
    const client = await site.as('pm');
    expect(textOf((await client.get('/')).text)).toContain('2 arrived rows are not tested');
    const mark = async ({ id }: { id: number }, result: string) => {
      const address = `/catalog/form/${id}`;
      const seen = /name="seen" value="([^"]+)"/.exec((await client.get(address)).text)?.[1];
      await client.post(`${address}/test-result`, { result, note: 'A test', seen });
    };
    await mark(one, 'works');
    const html = (await client.get('/')).text;
    expect(textOf(html)).toContain('1 arrived row is not tested');
    expect(menuOf(html)).toMatch(/Arrived<\/span>\s*<span class="count">1</);
    expect(textOf(html)).toMatch(/Arrived .*Other.*transferred by/);
    await mark(other, 'does-not-work');
    expect(textOf((await client.get('/')).text)).toContain('1 row does not work');
    await change(staging, one, { description: 'Newer' });
    await transfer(staging, [one]);
    expect(textOf((await client.get('/')).text)).toContain('1 arrived row is not tested');
    await site.close();
  });

  test('the home page links a refresh (a copy of all rows of production) to its first row’s history; the page Arrived lists no refreshes', async () => {
    const { id } = await formKey({ name: 'Refreshed' });
    await run(world.staging.sql, sql`update arrival set kind = 'refresh', name = ''`);
    const site = await openSite(world, 'staging');
    const html = (await (await site.as('pm')).get('/')).text;
    expect(textOf(html)).toContain('Refreshed refreshed by');
    expect(hrefsIn(html)).toContain(`/catalog/form/${id}/history`);
    expect(hrefsIn(html)).not.toContain('/arrivals');
    await site.close();
  });

  test('the home page runs at most 40 SQL statements, and no more for 10 pending rows and 4 transfers than for one of each', async () => {
    const { staging } = world;
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    const home = () => client.get('/').expect(200);
    await transfer(staging, [await formKey()]);
    await home();
    await formKey();
    const few = await statementsOf(home);
    for (let one = 0; one < 9; one += 1) {
      const key = await formKey();
      if (one % 3 === 0) await transfer(staging, [key]);
    }
    expect(await statementsOf(home)).toBe(few);
    expect(few).toBeLessThanOrEqual(40);
    await site.close();
  });
});

describe('what the menu, which is on every page, contains', () => {
  test('the menu leaves out pages that are always empty: pages about sending rows in production, and Arrived in staging (walk 10)', async () => {
    const hrefs = async (name: 'staging' | 'production') => {
      const site = await openSite(world, name);
      const html = menuOf((await (await site.as('ops')).get('/')).text);
      await site.close();
      return hrefsIn(html);
    };
    const production = await hrefs('production');
    for (const href of [
      '/transfers',
      '/pending?group=ready',
      '/comparison',
      '/name-mappings',
      '/selections',
    ]) {
      expect(production).not.toContain(href);
    }
    expect(production).toContain('/arrivals');
    const staging = await hrefs('staging');
    expect(staging).toEqual(
      expect.arrayContaining(['/pending?group=ready', '/transfers', '/comparison']),
    );
    expect(staging).not.toContain('/arrivals');
  });

  test('the menu begins with the pages that a role often uses, and opens “More” only if the current page is in it (walk 30)', async () => {
    const site = await openSite(world, 'staging');
    const [client, oncall] = [await site.as('pm'), await site.as('oncall')];
    const shortPart = (html: string) => hrefsIn(menuOf(html).split('<h2>Metadata')[0] ?? '');
    const html = (await client.get('/transfers')).text;
    expect(shortPart(html)).toEqual([
      '#main',
      '/',
      '/pending?group=ready',
      '/selections',
      '/transfers',
      '/changes',
    ]);
    expect(menuOf(html)).toMatch(/href="\/transfers" aria-current="page"/);
    expect(menuOf(html)).toMatch(/<details class="side-more"\s*>/);
    expect(shortPart((await oncall.get('/')).text)).toContain('/jobs');
    const inMore = menuOf((await client.get('/audit')).text);
    expect(inMore).toMatch(/<details class="side-more" open>/);
    await site.close();
  });

  test('every page links to Help in the same place, and Help says what the person may do (WCAG 3.2.6)', async () => {
    const site = await openSite(world, 'staging');
    const client = await site.as('vic');
    for (const path of ['/', '/catalog/task', '/audit', '/nothing/here']) {
      expect(hrefsIn(menuOf((await client.get(path)).text)).at(-1)).toBe('/help');
    }
    const text = textOf((await client.get('/help')).text);
    expect(text).toContain('Transfer rows to the next environment (not granted)');
    expect(text).toContain('In sync The same here and there.');
    await site.close();
  });
});
