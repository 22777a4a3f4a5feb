// Receives an uploaded file: streams it into object storage, records it as a data file, and requests the job that
// examines it and proposes how to parse it.
import { failpoint } from '../database/failpoints.ts';
import { transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import { Problem } from '../problems.ts';
import { cleanLine } from '../typed-text.ts';
import { bytes } from '../web/format.ts';
import type { Dataset } from './datasets.ts';
import { requestExamination } from './examination.ts';
import { recordFault } from './faults.ts';
import * as registry from './registry.ts';
import * as uploads from './uploads.ts';

/**
 * A file that arrives. `expected`: the size in bytes that the browser announced for the whole
 * request.
 */
type Arriving = { fileName: string; content: AsyncIterable<Buffer>; expected: number | null };

/** Returns the storage key of an uploaded file. */
const objectOf = (upload: string) => `datafiles/uploads/${upload}`;

/** How many milliseconds pass between two progress records of an upload. Tests shorten this time. */
export const pulses = { upload: 5000 };

/**
 * Stores an uploaded file and requests its examination. After any failure, nothing of the file is
 * stored, and the upload records how many bytes arrived.
 * @throws Problem 413 if the file is too large, 400 if the connection broke
 */
export async function receive(
  here: App,
  { dataset, person }: { dataset: Dataset; person: string },
  { fileName, content, expected }: Arriving,
): Promise<{ id: string; datafile: number; job: Job }> {
  const { sql: on, storage, settings } = here;
  const limit = settings.datafiles.limitBytes;
  const name = cleanLine(fileName).slice(0, 255) || 'file without a name';
  const id = await uploads.begin(on, { dataset: dataset.id, fileName: name, expected, person });
  let received = 0;
  async function* counted() {
    for await (const part of content) {
      received += part.length;
      if (received > limit) throw tooLarge(limit);
      yield part;
    }
    if (received === 0) throw new Problem(422, 'The file is empty. Choose one with rows.');
  }
  // Records the progress by a timer, even while slow object storage accepts no bytes: an upload without recorded
  // progress for two minutes counts as abandoned.
  const pulse = setInterval(() => {
    uploads.noteReceived(on, id, received).catch(() => {
      // A failure to record the progress does not end the upload; only the progress on the page is outdated.
    });
  }, pulses.upload);
  try {
    const object = objectOf(id);
    const { size, checksum } = await storage.put(object, counted());
    await failpoint('upload stored');
    const { job, datafile } = await transaction(on, async (connection) => {
      const file = await registry.add(connection, {
        dataset: dataset.id,
        source: null,
        file_name: name,
        object,
        size,
        sha256: checksum,
        person,
      });
      const isKept = await uploads.endReceiving(connection, id, {
        datafile: file.id,
        received: size,
      });
      if (!isKept) throw new Problem(503, 'This upload was given up meanwhile. Upload it again.');
      return { ...(await requestExamination(connection, file, person)), datafile: file.id };
    });
    return { id, datafile, job };
  } catch (error) {
    await giveUp(here, id, { received, error: whyBroken(error, received, expected) });
    throw error;
  } finally {
    clearInterval(pulse);
  }
}

/**
 * Marks an upload as failed and deletes its stored bytes. The bytes are kept if the data file was committed after all
 * and only the database’s answer was lost.
 */
async function giveUp(
  { sql: on, storage, log }: App,
  id: string,
  failure: { received: number; error: string },
) {
  try {
    await uploads.failReceiving(on, id, failure);
    const { datafile } = await uploads.known(on, id);
    if (datafile === null) await storage.delete(objectOf(id));
  } catch (error) {
    // This error is only logged: the person sees the error of the upload itself, and a periodic check ends the upload
    // later.
    log.warn({ err: error, upload: id }, 'a broken upload was not ended');
  }
}

export const tooLarge = (limit: number) =>
  new Problem(
    413,
    `A data file may have ${bytes(limit)}. Split it, or compress it with gzip: the limit counts unpacked bytes, too; an engineer raises DATAFILE_LIMIT_MB.`,
  );

function whyBroken(error: unknown, received: number, expected: number | null): string {
  if (error instanceof Problem && error.status !== 400) return error.message;
  if (error !== null && !(error instanceof Problem)) {
    return `${bytes(received)} arrived and could not be recorded. Nothing of it was stored: upload it again.`;
  }
  const all = expected === null ? '' : ` of ${bytes(expected)}`;
  return `${bytes(received)}${all} arrived, then the connection broke. Nothing of it was stored: upload it again.`;
}

/**
 * Ends uploads whose process died, and uploads whose file nobody checked within seven days. Returns how many uploads it
 * ended.
 */
export async function endAbandoned(here: App): Promise<number> {
  const { sql: on } = here;
  const [lost, unchecked] = [await uploads.abandoned(on), await uploads.unchecked(on)];
  for (const { id, received, expected } of lost) {
    await giveUp(here, id, { received, error: whyBroken(null, received, expected) });
  }
  for (const file of unchecked) {
    const message = `Nobody checked it within ${uploads.WAITS_DAYS} days.`;
    await recordFault(here, file, { reason: 'unchecked', message });
  }
  return lost.length + unchecked.length;
}
