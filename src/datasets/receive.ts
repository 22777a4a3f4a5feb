// Receives an uploaded file: streams it into object storage, and records it as a data file to be examined.
import type { Readable } from 'node:stream';
import { failpoint } from '../database/failpoints.ts';
import { transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import { Problem } from '../problems.ts';
import { bytes } from '../web/format.ts';
import type { Dataset } from './datasets.ts';
import { requestExamination } from './examination.ts';
import { recordFault } from './faults.ts';
import * as registry from './registry.ts';
import * as uploads from './uploads.ts';

/** `expected`: how many bytes the browser announced for the whole request. */
type Arriving = { fileName: string; content: Readable; expected: number | null };

/** The key under which an uploaded file is stored. */
const objectOf = (upload: string) => `datafiles/uploads/${upload}`;

/** How often the progress is recorded, in milliseconds. */
const NOTE_MS = 5000;

/**
 * Stores an uploaded file and requests its examination. After any failure nothing is stored, and the upload says how
 * much of it arrived.
 * @throws Problem 413 when it is too large, 400 when it ended too early
 */
export async function receive(
  here: App,
  { dataset, person }: { dataset: Dataset; person: string },
  { fileName, content, expected }: Arriving,
): Promise<{ id: string; datafile: number; job: Job }> {
  const { sql: on, storage, settings } = here;
  const limit = settings.datafiles.limitBytes;
  const id = await uploads.begin(on, { dataset: dataset.id, fileName, expected, person });
  let received = 0;
  async function* counted() {
    let notedAt = Date.now();
    for await (const part of content as AsyncIterable<Buffer>) {
      received += part.length;
      if (received > limit) throw tooLarge(limit);
      if (Date.now() - notedAt > NOTE_MS) {
        notedAt = Date.now();
        await uploads.noteReceived(on, id, received);
      }
      yield part;
    }
    if (received === 0) throw new Problem(422, 'The file is empty. Choose one with rows.');
  }
  try {
    const object = objectOf(id);
    const { size, checksum } = await storage.put(object, counted());
    await failpoint('upload stored');
    const { job, datafile } = await transaction(on, async (connection) => {
      const file = await registry.add(connection, {
        dataset: dataset.id,
        source: null,
        file_name: fileName,
        object,
        size,
        sha256: checksum,
        person,
      });
      await uploads.endReceiving(connection, id, { datafile: file.id, received: size });
      return { ...(await requestExamination(connection, file, person)), datafile: file.id };
    });
    return { id, datafile, job };
  } catch (error) {
    await uploads.failReceiving(on, id, { received, error: whyBroken(error, received, expected) });
    throw error;
  }
}

export const tooLarge = (limit: number) =>
  new Problem(
    413,
    `A data file may have ${bytes(limit)}. Split it, or compress it with gzip: the limit counts unpacked bytes, too; an engineer raises DATAFILE_LIMIT_MB.`,
  );

function whyBroken(error: unknown, received: number, expected: number | null): string {
  if (error instanceof Problem && error.status !== 400) return error.message;
  const all = expected === null ? '' : ` of ${bytes(expected)}`;
  return `${bytes(received)}${all} arrived, then the connection broke. Nothing of it was stored: upload it again.`;
}

/** Ends uploads whose process died, and those that nobody checked in time. Returns how many. */
export async function endAbandoned(here: App): Promise<number> {
  const { sql: on } = here;
  const [lost, unchecked] = [await uploads.abandoned(on), await uploads.unchecked(on)];
  for (const { id, received, expected } of lost) {
    const error = whyBroken(null, received, expected);
    const isEnded = (await uploads.failReceiving(on, id, { received, error })) === 1;
    if (isEnded) await here.storage.delete(objectOf(id));
  }
  for (const { datafile } of unchecked) {
    const message = `Nobody checked it within ${uploads.WAITS_DAYS} days.`;
    await recordFault(here, { id: datafile ?? 0 }, { reason: 'unchecked', message });
  }
  return lost.length + unchecked.length;
}
