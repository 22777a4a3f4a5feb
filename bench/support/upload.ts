// Posts a large file to a server as a browser does: a multipart form over the network, as fast as the server reads.
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Dataset } from '../../src/datasets/datasets.ts';
import type { Ground } from './ground.ts';
import { peakOf } from './peak.ts';
import { serve, type Site } from './site.ts';

const boundary = '----bench';

/**
 * Uploads a generated file of `bytes` bytes. Returns the peak memory of the server before and after the upload, in MB.
 */
export async function uploadLarge(
  { world }: Ground,
  dataset: Dataset,
  bytes: number,
): Promise<{ before: number; most: number }> {
  const site = await serve(world.production, world.variables.production, 'dana');
  try {
    const csrf = await tokenOf(site, `/datasets/${dataset.id}/uploads/new`);
    const before = peakOf(site);
    const status = await post(site, `/datasets/${dataset.id}/uploads`, { csrf, bytes });
    if (status !== 303) throw new Error(`The upload was answered with ${status}`);
    return { before, most: peakOf(site) };
  } finally {
    await site.stop();
  }
}

async function tokenOf({ url, cookie }: Site, path: string): Promise<string> {
  const page = await fetch(url + path, { headers: { cookie } });
  const found = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1];
  if (!found) throw new Error(`${path} has no form: ${page.status}`);
  return found;
}

const part = (head: string) => `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n`;

async function post(
  { url, cookie }: Site,
  path: string,
  { csrf, bytes }: { csrf: string; bytes: number },
): Promise<number | undefined> {
  const head = Buffer.from(
    `${part('name="csrf"')}\r\n${csrf}\r\n${part('name="file"; filename="large.csv"')}Content-Type: text/csv\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const posting = request(url + path, {
    method: 'POST',
    headers: {
      cookie,
      'sec-fetch-site': 'same-origin',
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + bytes + tail.length,
    },
  });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    posting.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    posting.once('error', reject);
  });
  await pipeline(Readable.from(body(head, bytes, tail)), posting);
  return answered;
}

function* body(head: Buffer, bytes: number, tail: Buffer) {
  yield head;
  const rows = Buffer.from('4711,Building of the municipal estate,2020-01-01,3.25\n'.repeat(1200));
  for (let left = bytes; left > 0; left -= rows.length) yield rows.subarray(0, left);
  yield tail;
}
