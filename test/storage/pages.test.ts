// What a person sees of an image that is there, absent, or in a store that cannot be reached.
import { beforeAll, expect, test } from '@jest/globals';
import { keepImage } from '../../src/storage/images.ts';
import { textOf, useSite } from '../support/people.ts';
import { picture } from '../support/images.ts';
import { newBucket } from '../support/storage.ts';
import { useWorld } from '../support/world.ts';
import { openObjects } from '../../src/storage/open.ts';

const world = useWorld({ cleared: 'once' });
beforeAll(async () => {
  world.staging.storage = openObjects(await newBucket());
});
const site = useSite(world, 'staging');

test('an image page serves an image from S3, and answers 404 for a missing one', async () => {
  const ana = await site.as('pm');
  const png = await picture();
  const name = await keepImage(world.staging.storage, 'icon', png);
  const shown = await ana.get(`/objects/${name}`).expect(200);
  expect(shown.headers['content-type']).toBe('image/png');
  expect(shown.body).toEqual(png);
  await ana.get(`/objects/${'0'.repeat(64)}.png`).expect(404);
  await ana.get('/objects/odd.png').expect(404);
});

test('an image page answers 503 with the solution while the store is unreachable', async () => {
  const ana = await site.as('pm');
  const bucket = await newBucket();
  world.staging.storage = openObjects({ ...bucket, bucket: 'no-such-bucket' });
  const page = await ana.get(`/objects/${'0'.repeat(64)}.png`).expect(503);
  expect(page.headers['retry-after']).toBe('10');
  expect(textOf(page.text)).toMatch(/bucket no-such-bucket .*does not exist\. Create it/);
});
