// Tests what a page shows for an image that exists, that is missing, or whose store cannot be reached.
import { beforeAll, describe, expect, test } from 'vitest';
import { keepImage } from '../../src/storage/images.ts';
import { textOf, useSite } from '../support/people.ts';
import { picture } from '../support/images.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { newBucket } from '../support/storage.ts';
import { useWorld } from '../support/world.ts';
import { openObjects } from '../../src/storage/open.ts';

const world = useWorld({ cleared: 'once' });
beforeAll(async () => {
  world.staging.storage = openObjects(await newBucket());
});
const site = useSite(world, 'staging');

test('an image URL serves an image from S3, and answers 404 for a missing image', async () => {
  const ana = await site.as('pm');
  const png = await picture();
  const name = await keepImage(world.staging.storage, 'icon', png);
  const shown = await ana.get(`/objects/${name}`).expect(200);
  expect(shown.headers['content-type']).toBe('image/png');
  expect(shown.body).toEqual(png);
  await ana.get(`/objects/${'0'.repeat(64)}.png`).expect(404);
  await ana.get('/objects/odd.png').expect(404);
});

test('an image URL answers 503 with the solution if the S3 bucket does not exist', async () => {
  const ana = await site.as('pm');
  const bucket = await newBucket();
  world.staging.storage = openObjects({ ...bucket, bucket: 'no-such-bucket' });
  const page = await ana.get(`/objects/${'0'.repeat(64)}.png`).expect(503);
  expect(page.headers['retry-after']).toBe('10');
  expect(textOf(page.text)).toMatch(/bucket no-such-bucket .*does not exist\. Create it/);
});

describe('images on a storage server that fails or hangs', () => {
  test.each<[string, (proxy: Proxy) => unknown]>([
    ['refuses connections', (proxy) => proxy.refuse()],
    ['does not respond', (proxy) => proxy.hang('both')],
    ['accepts requests without responding', (proxy) => proxy.hang('answers')],
    ['is slow', (proxy) => proxy.slow(9000)],
    ['drops the connection halfway', (proxy) => proxy.cutAfter(200)],
  ])(
    'if the storage server %s, image pages answer 503 within eight seconds and a form keeps the typed values (F11)',
    async (_how, fail) => {
      const ana = await site.as('pm');
      const bucket = await newBucket();
      const proxy = await openProxy(Number(new URL(bucket.endpoint ?? '').port));
      const endpoint = `http://127.0.0.1:${proxy.port}`;
      world.staging.storage = openObjects({ ...bucket, endpoint });
      const png = await picture();
      const name = await keepImage(world.staging.storage, 'icon', png);
      const token = await ana.token();
      proxy.cut();
      await fail(proxy);
      const begun = performance.now();
      const pages = await Promise.all([
        ana.get(`/objects/${name}`).then(({ status, text }) => ({ status, said: textOf(text) })),
        ana
          .postRaw(...asForm({ csrf: token, name: 'Typed in vain' }, png))
          .then(({ status, text }) => ({ status, said: textOf(text) })),
      ]);
      expect(performance.now() - begun).toBeLessThan(8000);
      world.staging.storage.close();
      proxy.close();
      expect(pages.map(({ status }) => status)).toEqual([503, 503]);
      for (const { said } of pages) expect(said).toContain('Try again in a moment');
      expect(pages[1]?.said).toContain('Typed in vain');
    },
    30_000,
  );
});

function asForm(fields: Record<string, string>, icon: Buffer): [string, string, Buffer] {
  const line = 'boundary-of-this-form';
  const texts = Object.entries(fields).map(
    ([name, text]) =>
      `--${line}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`,
  );
  const head = `--${line}\r\nContent-Disposition: form-data; name="icon"; filename="icon.png"\r\nContent-Type: image/png\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(texts.join('') + head),
    icon,
    Buffer.from(`\r\n--${line}--\r\n`),
  ]);
  return ['/catalog/business', `multipart/form-data; boundary=${line}`, body];
}
