// Loads a data file. Stores its rows in batches that no reader sees yet, then makes a version of the dataset from them
// in one last commit. If the process is killed, another attempt continues after the last stored line.
import { createHash } from 'node:crypto';
import type { PoolConnection } from 'mysql2/promise';
import { z } from 'zod';
import { failpoint } from '../database/failpoints.ts';
import { run, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import type { Work } from '../jobs/task.ts';
import { askText, examineFile } from './examination.ts';
import { Fault, faultOf, forSource, recordFault } from './faults.ts';
import * as versions from './versions.ts';
import * as registry from './registry.ts';
import type { Datafile, DatafileState } from './registry.ts';
import type { Counts, Reading } from './reading/reading.ts';
import { differingColumns, listed, mixedColumns } from './columns.ts';
import { fullName, type Dataset } from './datasets.ts';
import { readRows } from './reading/rows.ts';
import { purgeBeforeLoad } from './purge.ts';
import { FileTaken, openStore } from './row-store.ts';
import * as uploads from './uploads.ts';

export const LOAD = 'load';
export const loadInput = z.object({ datafile: z.number() });

/** The result of a load. `version`: the number of the newest version that contains the file. */
export type Loaded = {
  state: DatafileState;
  rows: number;
  rejects: number;
  version: number | null;
  message: string | null;
};

/** How many milliseconds pass between two progress records of a load. */
const REPORT_MS = 1000;

/** Runs the job that loads one data file. */
export const runLoad = (work: Work, { datafile }: z.infer<typeof loadInput>) =>
  loadFile(work, datafile);

type LoadWork = Pick<Work, 'here' | 'job' | 'report'>;

/**
 * Loads a data file in a job. A permanent fault of the file is recorded on the file and returned in
 * the result. Other errors are thrown, so that the job is retried.
 */
export async function loadFile(work: LoadWork, id: number): Promise<Loaded> {
  const { here } = work;
  if (!(await claim(here, id, work.job))) return outcome(here, id);
  const file = await registry.known(here.sql, id);
  await uploads.beginLoading(here.sql, id);
  try {
    await loadClaimed(work, file);
  } catch (error) {
    if (error instanceof FileTaken && !(await hasFile(here, id, work.job))) {
      // Another job has taken over the file, and that job records the result.
      return outcome(here, id);
    }
    const fault = faultOf(error);
    if (!fault) throw error;
    await recordFault(here, { id, job: work.job.id }, forSource(file, fault));
  }
  return outcome(here, id);
}

/**
 * Assigns a data file to a job. Returns false if the file is not in state `processing`, or if another active job has
 * the file.
 */
const claim = async ({ sql: on }: App, id: number, job: Job): Promise<boolean> =>
  (await run(
    on,
    sql`update operations_datafile_registry file
           set file.job = ${job.id}, file.updated_timestamp = utc_timestamp(3)
         where file.id = ${id} and file.state = 'processing'
           and (file.job is null or file.job = ${job.id}
                or not exists (select 1 from job where job.id = file.job and job.ended_at is null))`,
  )) === 1;

/**
 * Whether a file is still in state `processing` and assigned to this job. Two workers may run the same job at once,
 * when one of them was wrongly thought dead.
 */
async function hasFile({ sql: on }: App, id: number, job: Job): Promise<boolean> {
  const file = await registry.known(on, id);
  return file.state === 'processing' && file.job === job.id;
}

async function outcome({ sql: on }: App, id: number): Promise<Loaded> {
  const file = await registry.known(on, id);
  const counts = registry.countsOf(file);
  return {
    state: file.state,
    rows: file.loaded_rows,
    rejects: counts?.rejects ?? 0,
    version: await versions.madeBy(on, id),
    message: file.error_message,
  };
}

async function loadClaimed(work: LoadWork, file: Datafile) {
  const { here } = work;
  const reading = registry.readingOf(file) ?? (await chooseReading(work, file));
  if (file.loaded_line === 0) await purgeBeforeLoad(here, file.id);
  const counts = await storeRows(work, file, reading);
  await makeVersion(here, work.job, { file, reading, counts });
}

/**
 * Chooses the parsing rules for a file that was fetched from a data source, which no person checks. Uses the proposal
 * of the examination, if the examination has no open question and the columns equal the columns of the current version.
 * @throws Fault in any other case, so that a person decides
 */
async function chooseReading({ here, job, report }: LoadWork, file: Datafile): Promise<Reading> {
  if (file.source === null) throw new Fault('question', 'Check how it is read, and load it then.');
  await report({ done: 0, total: file.size, doing: `Examining ${file.file_name}` });
  const { reading, asks, differing } = await examineFile(here, file);
  if (asks.length > 0) throw new Fault('question', asks.map(askText).join(' '));
  refuseOtherColumns(file, differing);
  const isChosen = await registry.change(
    here.sql,
    file,
    ['processing'],
    sql`reading = ${JSON.stringify(reading)}`,
    sql`job = ${job.id} and choices <=> ${file.choices}`,
  );
  if (!isChosen) throw new FileTaken(file);
  return reading;
}

function refuseOtherColumns(file: Datafile, differing: string[]) {
  if (differing.length === 0 || file.accepts_columns === 1) return;
  throw new Fault(
    'columns-differ',
    `Its columns are not those of the current version: ${listed(differing)}. Accept the new columns, or ask the publisher for the former ones.`,
  );
}

/**
 * Refuses to append a file with different columns: the version would mix rows of different columns.
 */
async function refuseMixedColumns(on: PoolConnection, dataset: Dataset, file: Datafile) {
  const others = await versions.filesBeside(on, dataset, file.id);
  if (others === 0) return;
  throw new Fault('columns-mixed', mixedColumns(fullName(dataset), others));
}

async function storeRows(work: LoadWork, file: Datafile, reading: Reading): Promise<Counts> {
  const { here, report } = work;
  const hash = createHash('sha256');
  let bytes = 0;
  async function* content() {
    for await (const part of await here.storage.read(file.object)) {
      hash.update(part as Uint8Array);
      bytes += (part as Uint8Array).length;
      yield part as Uint8Array;
    }
  }
  const store = openStore(work, file, reading);
  const batches = readRows(content(), reading, { limitBytes: limitOf(here) });
  let reportedAt = Date.now();
  try {
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        const stored = await store.end();
        refuseChanged(file, hash.digest('hex'));
        refuseLostRows(file, next.value, stored);
        return next.value;
      }
      await store.add(next.value);
      // Reports progress by time and not by commit: a file may have many lines but few rows, so
      // that commits are rare.
      if (Date.now() - reportedAt < REPORT_MS) continue;
      reportedAt = Date.now();
      await report({ done: bytes, total: file.size, doing: `Loading ${file.file_name}` });
    }
  } finally {
    await store.settled();
  }
}

const limitOf = ({ settings }: App) => settings.datafiles.limitBytes;

function refuseChanged(file: Datafile, sha256: string) {
  if (sha256 === file.sha256) return;
  throw new Fault(
    'object-changed',
    `The stored file is not the one that was stored: its SHA-256 is ${sha256.slice(0, 12)}…, and ${file.sha256.slice(0, 12)}… was expected. ${again(file)}`,
  );
}

const again = ({ source }: Datafile) =>
  source === null ? 'Upload it again.' : 'Fetch it again from its source.';

/** Fails the load unless every row of the file is stored. */
function refuseLostRows(file: Datafile, counts: Counts, stored: number) {
  if (counts.rows === stored) return;
  throw new Error(
    `Data file ${file.id}: ${counts.rows} rows were read and ${stored} were stored. Nothing was published.`,
  );
}

type Whole = { file: Datafile; reading: Reading; counts: Counts };

/**
 * Makes the loaded file visible in one commit. The commit marks the file as processed, makes the new dataset version
 * current, requests the pipeline run that copies the version into the datasets database, and writes the audit log.
 */
async function makeVersion(here: App, job: Job, { file, reading, counts }: Whole) {
  await failpoint('load last commit');
  await transaction(here.sql, async (on) => {
    const dataset = await versions.lockDataset(on, file.dataset);
    const current = await versions.current(on, dataset);
    // Compares the columns again, because another file may have become the current version since
    // this file was examined or checked.
    const differing = current ? differingColumns(current.columns, reading.columns) : [];
    refuseOtherColumns(file, differing);
    if (differing.length > 0) await refuseMixedColumns(on, dataset, file);
    const found = await run(
      on,
      sql`update operations_datafile_registry
             set state = 'processed', reason = null, error_message = null, counts = ${JSON.stringify(counts)},
                 updated_timestamp = utc_timestamp(3)
           where id = ${file.id} and state = 'processing' and job = ${job.id}`,
    );
    if (found === 0) throw new FileTaken(file);
    const { run: pipelineRun } = await versions.publish(here, on, {
      dataset,
      datafile: file.id,
      rows: counts.rows,
      columns: reading.columns,
      person: file.person,
      reason: null,
    });
    await uploads.endLoading(on, file.id, pipelineRun);
  });
  await failpoint('load published');
}
