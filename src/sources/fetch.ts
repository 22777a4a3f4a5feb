// Fetches one file of a data source into object storage. If the download fails, no part of the file is stored.
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../database/failpoints.ts';
import type { App } from '../environments/app.ts';
import { checksumOf } from '../storage/open.ts';
import { shown } from './addresses.ts';
import { FetchFailure } from './failure.ts';
import { deadlines, limited, type Answer } from './answer.ts';
import type { Http } from './http.ts';
import type { ListedFile } from './kind.ts';
import type { Fetched } from './lines.ts';
import { keyOf } from './names.ts';

/** How many times a run tries to download a file. */
const ATTEMPTS = 3;

type Wanted = {
  source: number;
  file: ListedFile;
  fetch: number;
  /**
   * Called while the file arrives, with the number of received bytes and the size of the file. The
   * size is 0 if it is unknown.
   */
  onBytes: (done: number, total: number) => Promise<void>;
};

/**
 * Fetches a file and stores it in object storage. If another worker has stored the same file meanwhile, that object is
 * kept.
 * @throws FetchFailure when the data source does not deliver the whole file
 */
export async function fetchFile(here: App, http: Http, wanted: Wanted): Promise<Fetched> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchOnce(here, http, wanted);
    } catch (error) {
      if (!(error instanceof FetchFailure) || !error.isPassing || attempt === ATTEMPTS) throw error;
      await sleep(deadlines.pause * attempt, undefined, { signal: here.halt.signal });
    }
  }
}

async function fetchOnce(
  here: App,
  http: Http,
  { source, file, fetch, onBytes }: Wanted,
): Promise<Fetched> {
  const key = keyOf(source, { name: file.name, fetch });
  const answer = await http.open(file.url);
  try {
    const limits = { bytes: here.settings.datafiles.limitBytes, ms: deadlines.file };
    const content = watched(
      whole(answer, limited(answer, limits), file),
      answer.size ?? 0,
      onBytes,
    );
    const stored = await here.storage.putIfAbsent(key, content, {
      ...(answer.size !== null && { expectedSize: answer.size }),
    });
    await failpoint('source file stored');
    const line = { name: file.name, fetch, url: file.url };
    if (stored === null) return { ...line, ...(await storedFile(here, key)), etag: null };
    return { ...line, size: stored.size, sha256: stored.checksum, etag: file.etag ?? answer.etag };
  } finally {
    answer.close();
  }
}

/** Returns the size and the SHA-256 of a file that is already stored. */
export async function storedFile(
  { storage }: App,
  key: string,
): Promise<Pick<Fetched, 'size' | 'sha256'>> {
  const sha256 = await checksumOf(storage, key);
  return { size: (await storage.find(key))?.size ?? 0, sha256 };
}

/**
 * Yields the content of a file piece by piece. If the server did not announce the length, a broken connection looks
 * like the end of the file, so the received bytes are compared with the size in the index (list of files).
 * @throws FetchFailure when the file is shorter than the index says
 */
async function* whole(answer: Answer, parts: AsyncGenerator<Buffer>, { size = 0 }: ListedFile) {
  let received = 0;
  for await (const part of parts) {
    received += part.length;
    yield part;
  }
  if (!answer.hasEnd && received < size) {
    throw new FetchFailure(
      'cut',
      `${shown(answer.url)} broke off: ${received} of the ${size} bytes came that the index announces.`,
      { isPassing: true },
    );
  }
}

async function* watched(parts: AsyncGenerator<Buffer>, total: number, onBytes: Wanted['onBytes']) {
  let done = 0;
  let reportAt = Date.now() + deadlines.report;
  for await (const part of parts) {
    if (done === 0) await failpoint('source file arriving');
    done += part.length;
    if (Date.now() > reportAt) {
      await onBytes(done, total);
      reportAt = Date.now() + deadlines.report;
    }
    yield part;
  }
}
