// The command `oneway datasets`, which adds and lists datasets, loads files into them, and restores and exports their
// versions.
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline as stream } from 'node:stream/promises';
import type { Command } from 'commander';
import * as datasets from '../datasets/datasets.ts';
import { csvOf } from '../datasets/export.ts';
import { overview } from '../datasets/overview.ts';
import { receive, tooLarge } from '../datasets/receive.ts';
import { versionsView } from '../datasets/versions-view.ts';
import * as versions from '../datasets/versions.ts';
import type { App } from '../environments/app.ts';
import { Conflict, NotFound, Problem } from '../problems.ts';
import { count, exactly, when } from '../web/format.ts';
import { actor, answer, columns, UsageError, withApp } from './cli.ts';
import { datasetNamed, nameParts, reasonIn } from './dataset-named.ts';
import { checkAndLoad, withCheckOptions, type CheckOptions } from './file-check.ts';
import { choicesIn } from './reading-options.ts';

type Json = { json?: boolean };

/** Adds the command `oneway datasets`. */
export function addDatasets(program: Command) {
  const own = program
    .command('datasets')
    .description('named tables that data files are loaded into');
  own
    .command('list', { isDefault: true })
    .option('--json')
    .description('the datasets with their current versions')
    .action(({ json }: Json) => withApp((here) => listDatasets(here, json)));
  own
    .command('add')
    .argument('<dataset>', 'organisation/name, such as statistics/rainfall')
    .option(
      '--mode <mode>',
      'what a new file does to the rows before: replace or append',
      'replace',
    )
    .option('--keep-versions <number>', 'how many versions keep their rows', '5')
    .option('--open-to-clients', 'let clients of the signed API read it')
    .option('--feeds <entity>', `what is checked against it: ${datasets.feedable.join(' or ')}`)
    .option('--feeds-column <column>', 'the column with the names of those')
    .option('--json')
    .description('add a dataset')
    .action((name: string, wanted: NewDataset) => withApp((here) => add(here, name, wanted)));
  withCheckOptions(own.command('upload'))
    .argument('<file>', 'a file on this computer')
    .requiredOption('--dataset <dataset>', 'organisation/name, as “oneway datasets list” lists it')
    .option('--json')
    .description('upload a file, check it, and load it as a new version')
    .action((path: string, wanted: Upload) => upload(path, wanted));
  own
    .command('versions')
    .argument('<dataset>')
    .option('--json')
    .description('the versions of a dataset, newest first')
    .action((name: string, { json }: Json) => withApp((here) => listVersions(here, name, json)));
  own
    .command('restore')
    .argument('<dataset>')
    .argument('<version>', 'as “oneway datasets versions” lists it')
    .requiredOption('--reason <reason>')
    .option('--instead-of <version>', 'refuse if another version is current now')
    .option('--json')
    .description('make an earlier version current again; nothing is loaded')
    .action((name: string, version: string, wanted: Restored) =>
      withApp((here) => restore(here, name, { ...wanted, version })),
    );
  own
    .command('export')
    .argument('<dataset>')
    .option('--version <number>', 'another version than the current one')
    .option('--exact', 'leave texts that look like formulas as they are')
    .description('print a version as CSV')
    .action((name: string, wanted: Exported) => withApp((here) => exportCsv(here, name, wanted)));
}

type NewDataset = Json & {
  mode: string;
  keepVersions: string;
  openToClients?: boolean;
  feeds?: string;
  feedsColumn?: string;
};
type Upload = CheckOptions & { dataset: string };
type Restored = Json & { reason: string; insteadOf?: string };
type Exported = { version?: string; exact?: boolean };

async function listDatasets(here: App, isJson: boolean | undefined) {
  const shown = (await overview(here.sql)).map((one) => ({
    name: one.fullName,
    mode: one.mode,
    version: one.current_version,
    rows: one.row_count,
    updated: one.updated_at,
    origin: one.origin,
    file: one.file_name,
    openToClients: one.open_to_clients === 1,
    run: one.run,
    runState: one.run_state,
  }));
  answer(isJson, shown, () =>
    shown.length === 0
      ? ['No datasets. Add one: oneway datasets add organisation/name']
      : columns(
          shown.map((one) => [
            one.name,
            one.version === null ? 'no version yet' : `version ${one.version}`,
            one.rows === null ? '-' : `${count(one.rows)} rows`,
            one.updated === null ? '-' : when(one.updated),
            one.origin,
            one.runState === null ? '' : `pipeline run ${one.run} ${one.runState}`,
          ]),
        ),
  );
}

async function add(here: App, text: string, { json, ...settings }: NewDataset) {
  const by = await actor(here, 'manage-data');
  const id = await datasets.add(here, by, { ...nameParts(text), ...settings });
  answer(json, { id, name: text }, () => [
    `${text} is added. Load a file: oneway datasets upload FILE --dataset ${text}`,
  ]);
}

async function upload(path: string, options: Upload) {
  const choices = choicesIn(options);
  const { file, size } = await opened(path);
  await withApp(async (here) => {
    const by = await actor(here, 'manage-data');
    const dataset = await datasetNamed(here, options.dataset);
    const { limitBytes } = here.settings.datafiles;
    if (size !== null && size > limitBytes) throw tooLarge(limitBytes);
    const { datafile, job } = await receive(
      here,
      { dataset, person: by },
      { fileName: basename(path), content: file.createReadStream(), expected: size },
    );
    await checkAndLoad(here, by, { id: datafile, job, choices, options });
  });
}

/**
 * Opens a file. The returned size is null when the path is a pipe.
 * @throws Problem when the file cannot be read
 */
async function opened(path: string): Promise<{ file: FileHandle; size: number | null }> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'There is no file' : 'No permission to read';
    throw new Problem(422, `${reason} ${path}. Give the path of a file on this computer.`);
  });
  const facts = await file.stat();
  if (!facts.isDirectory()) return { file, size: facts.isFile() ? facts.size : null };
  throw new Problem(422, `${path} is a folder. Give the path of a file on this computer.`);
}

async function listVersions(here: App, text: string, isJson: boolean | undefined) {
  const dataset = await datasetNamed(here, text);
  const all = versionsView(dataset, await versions.list(here.sql, dataset.id));
  answer(isJson, all, () =>
    all.length === 0
      ? [`${text} has no version yet. Load a file: oneway datasets upload FILE --dataset ${text}`]
      : columns(
          all.map((one) => [
            String(one.number),
            one.isCurrent ? 'current' : one.purged_at === null ? '' : 'rows deleted',
            `${count(one.row_count)} rows`,
            exactly(one.created_at),
            one.person,
            one.changes.join('; '),
          ]),
        ),
  );
}

const numberIn = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`“${text}” is not a version’s number.`);
  return Number(text);
};

async function restore(here: App, text: string, wanted: Restored & { version: string }) {
  const number = numberIn(wanted.version);
  const reason = reasonIn(wanted.reason);
  const seen = wanted.insteadOf === undefined ? null : numberIn(wanted.insteadOf);
  const by = await actor(here, 'manage-data');
  const dataset = await datasetNamed(here, text);
  const current = dataset.current_version;
  if (current === null) throw new Conflict(`${text} has no version yet.`);
  if (seen !== null && seen !== current) {
    throw new Conflict(`Version ${current} is current now, not ${seen}. Nothing was changed.`);
  }
  const { run } = await versions.restore(here, by, {
    dataset: dataset.id,
    number,
    seen: current,
    reason,
  });
  answer(wanted.json, { dataset: text, version: number, insteadOf: current, run }, () => [
    `Version ${number} of ${text} is current again, instead of ${current}.`,
  ]);
}

async function exportCsv(here: App, text: string, { version: wanted, exact }: Exported) {
  const number = wanted === undefined ? null : numberIn(wanted);
  const dataset = await datasetNamed(here, text);
  const version =
    number === null
      ? await versions.current(here.sql, dataset)
      : await versions.find(here.sql, dataset.id, number);
  if (!version) {
    throw new NotFound(
      number === null ? `${text} has no version yet.` : `${text} has no version ${number}.`,
    );
  }
  if (version.purged_at !== null) {
    throw new Conflict(
      `The rows of version ${version.number} were deleted. Load its file again: oneway datafiles list --dataset ${text}`,
    );
  }
  const csv = Readable.from(csvOf(here.sql, version, { isExact: exact === true }));
  await stream(csv, process.stdout, { end: false }).catch((error: NodeJS.ErrnoException) => {
    // EPIPE is no failure: the program that reads the output, such as `head`, closed the pipe because it needs no more
    // lines.
    if (error.code !== 'EPIPE') throw error;
  });
}
