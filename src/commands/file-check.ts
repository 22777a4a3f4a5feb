// Checks and loads a data file on the command line. Options give what a user would choose and confirm on the page.
import type { Command } from 'commander';
import * as datasets from '../datasets/datasets.ts';
import { fullName } from '../datasets/datasets.ts';
import { countsText } from '../datasets/check-view.ts';
import { examinationOf, type Examined } from '../datasets/examination.ts';
import type { Loaded } from '../datasets/load.ts';
import type { Choices } from '../datasets/reading/reading.ts';
import * as registry from '../datasets/registry.ts';
import type { Datafile } from '../datasets/registry.ts';
import * as reloading from '../datasets/reloading.ts';
import * as uploads from '../datasets/uploads.ts';
import type { App } from '../environments/app.ts';
import type { Job } from '../jobs/jobs.ts';
import { Conflict, NotFound, Problem } from '../problems.ts';
import { bytes, count, plural } from '../web/format.ts';
import { answer, endWith } from './cli.ts';
import { obstaclesIn, type Obstacle } from './file-obstacles.ts';
import { collect, type Acceptance } from './reading-options.ts';
import { runHere } from './run-job.ts';

export type CheckOptions = Acceptance & { json?: boolean };

/**
 * Adds the command-line options that say how a data file is parsed, and whether its rejected lines and changed columns
 * are accepted.
 */
export const withCheckOptions = (command: Command): Command =>
  command
    .option('--encoding <name>', 'such as utf-8 or windows-1252')
    .option('--delimiter <character>', 'one of , ; | tab')
    .option('--header <line>', 'the number of the line with the column names, or none')
    .option('--type <column=type>', 'such as "opened=date d/m/y"; may be repeated', collect, [])
    .option('--fill-short-rows', 'read missing cells at the end of a row as empty')
    .option('--ignore-empty-surplus', 'leave out surplus cells at the end of a row when empty')
    .option('--accept-rejects', 'load the file without its rejected lines')
    .option('--accept-columns', 'load the file although its columns are not the current ones');

/**
 * A data file with the job that examines it. `choices`: how the user wants the file to be parsed. `options`: the
 * command-line options of the call.
 */
type Check = { id: number; job: Job | null; choices: Choices; options: CheckOptions };

/**
 * Examines a data file in this process, and loads the file if no decision of the user is missing. If a decision is
 * missing, prints the options with which the user decides, and the command ends with the exit code of a refusal.
 */
export async function checkAndLoad(here: App, by: string, check: Check) {
  const { id, options } = check;
  const file = await examinedFile(here, by, check);
  const examined = needExamination(file);
  refuseUnknownColumns(file, examined, check.choices);
  const obstacles = obstaclesIn(examined, options);
  const loaded = obstacles.length === 0 ? await load(here, by, file, { examined, options }) : null;
  const dataset = await datasets.known(here.sql, file.dataset);
  const name = fullName(dataset);
  const upload = await uploads.ofDatafile(here.sql, id);
  const next =
    loaded === null || loaded.state === 'failed' ? continuation(id, options, obstacles) : null;
  answer(
    options.json,
    {
      datafile: id,
      dataset: name,
      ...examinedFacts(examined),
      missing: obstacles,
      loaded,
      run: upload?.pipeline_run ?? null,
      next,
    },
    () => [
      `${file.file_name} is data file ${id} of ${name}.`,
      ...examinedLines(examined),
      ...obstacles.flatMap(({ text, add }) => [text, ...add.map((one) => `  ${one}`)]),
      ...(loaded === null ? ['Nothing was loaded.'] : loadedLines(loaded, name)),
      ...(next === null ? [] : ['Continue with the same file:', `  ${next}`]),
    ],
  );
  if (next !== null) endWith('refused');
}

async function examinedFile(here: App, by: string, { id, job, choices, options }: Check) {
  const file = await registry.known(here.sql, id);
  const isChosen = Object.keys(choices).length > 0;
  const chosen = isChosen
    ? await reloading.chooseReading(here, by, { file, choices: combined(file, choices) })
    : job;
  if (chosen) await runFileJob(here, chosen, options);
  return registry.known(here.sql, id);
}

/**
 * Merges new choices of the user (how a file is read) into the earlier choices for the file. A new choice replaces an
 * earlier one.
 */
const combined = (file: Datafile, choices: Choices): Choices => {
  const before = registry.choicesOf(file);
  return { ...before, ...choices, types: { ...before.types, ...choices.types } };
};

const runFileJob = <T>(here: App, job: Job, { json }: CheckOptions) =>
  runHere<T>(
    here,
    { job, isNew: true },
    { running: 'It is running already', isQuiet: json === true, inUnits: bytes },
  );

function needExamination(file: Datafile): Examined {
  if (file.state === 'failed' && file.error_message !== null) {
    throw new Problem(422, `${file.file_name} (data file ${file.id}): ${file.error_message}`);
  }
  const examined = examinationOf(file);
  if (examined) return examined;
  throw new Conflict(
    `${file.file_name} is being examined by another person, with other choices. Nothing was loaded: oneway datafiles load ${file.id}`,
  );
}

function refuseUnknownColumns({ id }: Datafile, { reading }: Examined, { types = {} }: Choices) {
  const known = reading.columns.map(({ name }) => name);
  const unknown = Object.keys(types).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const first = known.slice(0, 50).map((name) => `“${name}”`);
  throw new NotFound(
    `The file has no column “${unknown}”. It has ${first.join(', ')}${known.length > 50 ? ' and more' : ''}. Nothing was loaded; the file waits as data file ${id}: oneway datafiles load ${id}`,
  );
}

type Confirmed = { examined: Examined; options: CheckOptions };

async function load(here: App, by: string, file: Datafile, { examined, options }: Confirmed) {
  const job = await reloading.confirm(here, by, {
    file,
    reading: examined.reading,
    acceptsColumns: examined.differing.length > 0,
  });
  return runFileJob<Loaded>(here, job, options);
}

function examinedFacts({ counts, reading, asks, differing, rejects, columns }: Examined) {
  const { encoding, delimiter, headerLine, compression } = reading;
  return {
    counts,
    reading: { compression, encoding, delimiter, headerLine, columns: reading.columns },
    questions: asks,
    differing,
    rejects,
    columns,
  };
}

const delimiterNames: Record<string, string> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'vertical bars',
};
const REJECTS_SHOWN = 20;

function examinedLines({ counts, reading, rejects }: Examined): string[] {
  const header = reading.headerLine === null ? 'no header' : `header in line ${reading.headerLine}`;
  const types = reading.columns.map(
    ({ name, type, format }) => `${name} ${type}${format === null ? '' : ` ${format}`}`,
  );
  const more = counts.rejects - Math.min(rejects.length, REJECTS_SHOWN);
  return [
    countsText(counts),
    `Read as ${reading.encoding}, cells between ${delimiterNames[reading.delimiter] ?? reading.delimiter}, ${header}: ${types.join(', ')}.`,
    ...rejects
      .slice(0, REJECTS_SHOWN)
      .map(
        ({ line, column, text, excerpt }) =>
          `  line ${count(line)}${column === null ? '' : `, “${column}”`}: ${text}: ${JSON.stringify(excerpt)}`,
      ),
    ...(more > 0 ? [`  and ${count(more)} more`] : []),
  ];
}

const loadedLines = ({ state, rows, version, message }: Loaded, name: string): string[] =>
  state === 'processed'
    ? [
        `Version ${version} of ${name} has ${plural(rows, { one: 'row', many: 'rows' })} of it, and is the current one.`,
      ]
    : [message ?? `It is ${state}.`, 'Nothing was published.'];

/**
 * Returns the command with which the user continues with a file. The command repeats the --accept options of this call,
 * and has one option for each reason why the file is not loaded yet.
 */
function continuation(id: number, options: CheckOptions, obstacles: Obstacle[]): string {
  const accepted = [
    ...(options.acceptRejects ? ['--accept-rejects'] : []),
    ...(options.acceptColumns ? ['--accept-columns'] : []),
  ];
  const missing = obstacles.flatMap(({ add }) => add.slice(0, 1));
  return ['oneway datafiles load', id, ...new Set([...accepted, ...missing])].join(' ');
}
