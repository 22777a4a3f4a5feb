// Tests that pages are sent compressed, and that the CSRF token is masked differently on each page, so that the
// compressed length does not reveal it.
import { expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { add } from '../support/rows.ts';
import { openSite } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

test('the page of a list of 50 rows has less than 12 kB of compressed HTML', async () => {
  const business = await add(world.staging, 'business');
  for (let one = 0; one < 50; one += 1) {
    await add(world.staging, 'task', { business, title: `Airport drop ${one} before sunrise` });
  }
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  const page = await pm.get('/catalog/task').set('Accept-Encoding', 'gzip').expect(200);
  expect(page.headers).toMatchObject({ 'content-encoding': 'gzip' });
  expect(page.headers['vary']).toContain('Accept-Encoding');
  expect(page.text.match(/name="rows"/g)).toHaveLength(50);
  expect(gzipSync(page.text).length).toBeLessThan(12_000);
  await site.close();
});

test('the CSRF token of a page is masked differently each time the page is opened', async () => {
  const site = await openSite(world, 'staging');
  const pm = await site.as('pm');
  const tokenOf = async () =>
    /name="csrf" value="([^"]+)"/.exec((await pm.get('/account')).text)?.[1] ?? '';
  const [one, other] = [await tokenOf(), await tokenOf()];
  expect(one).not.toBe(other);
  await site.close();
});
