// The command `oneway datafiles`, which lists and shows data files that were uploaded or fetched, and loads or ignores
// one of them.
import type { Command } from 'commander';
import { countsText } from '../datasets/check-view.ts';
import * as datasets from '../datasets/datasets.ts';
import { fullName } from '../datasets/datasets.ts';
import { datafileUse, listedFiles } from '../datasets/datafile-use.ts';
import { EXAMINE, examinationOf } from '../datasets/examination.ts';
import * as registry from '../datasets/registry.ts';
import type { Datafile } from '../datasets/registry.ts';
import * as rejects from '../datasets/rejects.ts';
import * as reloading from '../datasets/reloading.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Job } from '../jobs/jobs.ts';
import { Conflict } from '../problems.ts';
import { bytes, count, exactly, when } from '../web/format.ts';
import { actor, answer, columns, print, UsageError, withApp } from './cli.ts';
import { datasetNamed, reasonIn } from './dataset-named.ts';
import { checkAndLoad, withCheckOptions, type CheckOptions } from './file-check.ts';
import { choicesIn } from './reading-options.ts';

type Json = { json?: boolean };
type Filter = Json & { state?: string; dataset?: string; before?: string };

/** Adds the command `oneway datafiles`. */
export function addDatafiles(program: Command) {
  const own = program.command('datafiles').description('stored files, and what became of each');
  own
    .command('list', { isDefault: true })
    .option('--state <state>', states.join(', '))
    .option('--dataset <dataset>', 'organisation/name')
    .option('--before <id>', 'older files than this one')
    .option('--json')
    .description('the newest 50 files')
    .action((filter: Filter) => withApp((here) => list(here, filter)));
  own
    .command('show')
    .argument('<id>')
    .option('--json')
    .description('one file: how it is read, its counts, its rejected lines and its versions')
    .action((id: string, { json }: Json) => withApp((here) => show(here, id, json)));
  withCheckOptions(own.command('load'))
    .argument('<id>', 'as “oneway datafiles list” lists it')
    .option('--json')
    .description('check a stored file and load it; one that is in a version is loaded again')
    .action((id: string, options: CheckOptions) => load(id, options));
  own
    .command('ignore')
    .argument('<id>')
    .requiredOption('--reason <reason>')
    .description('say that a file is not to be loaded')
    .action((id: string, { reason }: { reason: string }) =>
      withApp((here) => ignore(here, id, reason)),
    );
}

const states = ['processing', 'processed', 'failed', 'ignored'] as const;

function numberIn(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`“${text}” is not a data file’s number.`);
  return Number(text);
}

async function list(here: App, { state = '', dataset, before, json }: Filter) {
  if (state !== '' && !states.some((one) => one === state)) {
    throw new UsageError(`--state: “${state}” is none of ${states.join(', ')}.`);
  }
  const files = await listedFiles(here.sql, {
    state,
    dataset: dataset === undefined ? null : (await datasetNamed(here, dataset)).id,
    source: null,
    before: before === undefined ? null : numberIn(before),
  });
  answer(json, files, () =>
    files.length === 0
      ? ['No data files.']
      : columns(
          files.map((file) => [
            String(file.id),
            file.state,
            file.dataset_name,
            file.file_name,
            bytes(file.size),
            file.source_name ?? file.person,
            when(file.created_timestamp),
            file.error_message ?? '',
          ]),
        ),
  );
}

async function show(here: App, id: string, isJson: boolean | undefined) {
  const file = await registry.known(here.sql, numberIn(id));
  const name = fullName(await datasets.known(here.sql, file.dataset));
  const use = await datafileUse(here.sql, file);
  const examined = examinationOf(file);
  const counts = registry.countsOf(file) ?? examined?.counts ?? null;
  const rejected = await rejects.list(here.sql, file.id);
  const { examination: _large, choices, reading: _text, counts: _json, ...facts } = file;
  const reading = registry.readingOf(file) ?? examined?.reading ?? null;
  const shown = {
    ...facts,
    dataset: name,
    choices: choices === null ? null : registry.choicesOf(file),
    reading,
    counts,
    questions: examined?.asks ?? [],
    rejects: rejected,
    ...use,
  };
  answer(isJson, shown, () => [
    `Data file ${file.id} of ${name}: ${file.file_name}, ${bytes(file.size)}, SHA-256 ${file.sha256}`,
    `It is ${file.state}${file.error_message === null ? '.' : `: ${file.error_message}`}`,
    `${use.source ? `Fetched from ${use.source.name}` : `Uploaded by ${file.person}`}, ${exactly(file.created_timestamp)}.`,
    ...(counts === null ? [] : [countsText(counts)]),
    ...(reading?.columns ?? []).map(({ name: column, type }) => `  ${column}: ${type}`),
    ...rejected.map(
      ({ line, message, excerpt }) => `  line ${count(line)}: ${message}: ${excerpt}`,
    ),
    use.versions.length === 0
      ? 'It is in no version.'
      : `It is in version ${use.versions.map(({ version }) => version).join(', ')}.`,
  ]);
}

async function load(text: string, options: CheckOptions) {
  const choices = choicesIn(options);
  const id = numberIn(text);
  await withApp(async (here) => {
    const by = await actor(here, 'manage-data');
    const file = await registry.known(here.sql, id);
    const isWaiting = file.state === 'processing';
    const again = isWaiting
      ? { file, job: await examinationJob(here, by, file) }
      : await reloading.loadAgain(here, by, file);
    await checkAndLoad(here, by, { id: again.file.id, job: again.job, choices, options });
  });
}

/**
 * Returns the job that examines (checks) a stored data file before it is loaded; null if the file was examined already.
 * @throws Conflict while another job loads the file
 */
async function examinationJob(here: App, by: string, file: Datafile): Promise<Job | null> {
  const job = file.job === null ? undefined : await jobs.byId(here.sql, file.job);
  const isLive = job !== undefined && jobs.isLive(job);
  if (isLive && job.kind !== EXAMINE) {
    throw new Conflict(`${file.file_name} is being loaded: job ${job.number}.`);
  }
  if (file.examination !== null) return null;
  if (isLive) return job;
  return reloading.chooseReading(here, by, { file, choices: registry.choicesOf(file) });
}

async function ignore(here: App, text: string, given: string) {
  const id = numberIn(text);
  const reason = reasonIn(given);
  const by = await actor(here, 'manage-data');
  const file = await registry.known(here.sql, id);
  await reloading.ignore(here, by, file, reason);
  print(`${file.file_name} is ignored.`);
}
